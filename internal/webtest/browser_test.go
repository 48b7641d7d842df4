//go:build unix

package webtest

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium returns the browser's program. Without one the test is skipped, or fails
// where there must be one.
func chromium(t testing.TB) string {
	t.Helper()
	if testing.Short() && !*requiredFlag {
		t.Skip("make e2e runs it")
	}
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	if *chromiumFlag != "" {
		names = []string{*chromiumFlag}
	}
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	missing := fmt.Sprintf("no Chromium: none of %s is installed (Debian: apt-get install chromium)", strings.Join(names, ", "))
	if *requiredFlag {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// size is that of a window.
type size struct{ width, height int64 }

var (
	desk  = size{1280, 800}
	phone = size{390, 844}
)

// tab is a page in a browser of its own, which has seen nothing before. Whatever goes
// wrong in the page fails the test: an error, a dialog, a breach of the policy, a
// request to anywhere but the daemon.
type tab struct {
	t    testing.TB
	ctx  context.Context
	home string // the daemon's URL

	mu      sync.Mutex
	allowed []string // parts of errors that are meant to happen
	wrong   []string
}

// visit opens a page of a daemon, such as "#/topics".
func visit(t testing.TB, home, page string, window size) *tab {
	t.Helper()
	b := newTab(t, home)
	b.resize(window)
	b.goTo(page)
	return b
}

func newTab(t testing.TB, home string) *tab {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.NoFirstRun,
	}
	for _, name := range []string{"disable-gpu", "disable-quic", "disable-background-networking", "disable-component-update",
		"disable-sync", "disable-extensions", "disable-dev-shm-usage", "hide-scrollbars"} {
		options = append(options, chromedp.Flag(name, true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	b := &tab{t: t, ctx: ctx, home: home}
	t.Cleanup(func() {
		b.check()
		closing, done := context.WithTimeout(ctx, patience)
		if err := chromedp.Cancel(closing); err != nil {
			t.Logf("the browser ended: %v", err)
		}
		done()
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", chromium(t), err)
	}
	if err := chromedp.Listen(ctx, b.event); err != nil {
		t.Fatal(err)
	}
	for _, enable := range []error{
		call(ctx, network.Enable, network.EnableParams{}),
		call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "UTC"}),
	} {
		if enable != nil {
			t.Fatal(enable)
		}
	}
	return b
}

// event takes what the browser tells of the page.
func (b *tab) event(ev any) {
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		b.fault("exception: " + text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			b.fault(fmt.Sprintf("console: %s %v", e.Type, e.Args))
		}
	case *log.EventEntryAdded: // what breaks the policy is one of these
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			b.fault("log: " + e.Entry.Text + " " + e.Entry.URL)
		}
	case *page.EventJavascriptDialogOpening:
		b.fault("dialog: " + e.Message)
	case *network.EventRequestWillBeSent:
		if to := e.Request.URL; !strings.HasPrefix(to, b.home+"/") && !strings.HasPrefix(to, "data:") {
			b.fault("request to " + to)
		}
	}
}

func (b *tab) fault(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.ContainsFunc(b.allowed, func(part string) bool { return strings.Contains(what, part) }) {
		b.wrong = append(b.wrong, what)
	}
}

// allow says that errors with a text in them are meant to happen from now on.
func (b *tab) allow(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.allowed = append(b.allowed, part)
}

// check fails the test for what went wrong in the page.
func (b *tab) check() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, what := range b.wrong {
		b.t.Errorf("in the page: %s", what)
	}
	b.wrong = nil
}

func (b *tab) resize(window size) {
	b.t.Helper()
	set := emulation.SetDeviceMetricsOverrideParams{Width: window.width, Height: window.height, DeviceScaleFactor: 1}
	if window == phone {
		set.DeviceScaleFactor, set.Mobile = 2, true
	}
	if err := call(b.ctx, emulation.SetDeviceMetricsOverride, set); err != nil {
		b.t.Fatal(err)
	}
}

// scheme has the system prefer "light" or "dark" colours.
func (b *tab) scheme(colours string) {
	b.t.Helper()
	set := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: colours}}}
	if err := call(b.ctx, emulation.SetEmulatedMedia, set); err != nil {
		b.t.Fatal(err)
	}
}

// goTo loads a page afresh.
func (b *tab) goTo(page string) {
	b.t.Helper()
	b.do(chromedp.Navigate("about:blank")) // else another "#" alone would load nothing
	b.do(chromedp.Navigate(b.home + "/" + page))
}

func (b *tab) do(step chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, step); err != nil {
		b.t.Fatal(err)
	}
}

// value is that of an expression in the page, which may be a promise.
func value[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits for an expression to be true.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(patience); !value[bool](b, "!!("+expression+")"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("not within %s: %s; the page says:\n%s", patience, what, b.text("body"))
		}
	}
}

// has waits until an element shows a text.
func (b *tab) has(selector, text string) {
	b.t.Helper()
	b.until(selector+" shows "+text, shows(selector, text))
}

// lacks waits until no element shows a text.
func (b *tab) lacks(selector, text string) {
	b.t.Helper()
	b.until(selector+" does not show "+text, "!"+shows(selector, text))
}

// shows is an expression for whether an element that is seen has a text, be it in one
// piece or in several that stand beside each other.
func shows(selector, text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%q)].some((el) => el.checkVisibility() && (el.textContent.includes(%[2]q) || el.innerText.includes(%[2]q)))`, selector, text)
}

// text is what an element shows.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return value[string](b, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

// click clicks with the mouse on an element, when it is there.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// press presses keys, one after the other.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// call runs a command of the browser whose result is of no interest.
func call[P, R any](ctx context.Context, command cdp.Command[P, R], params P) error {
	_, err := chromedp.Call(ctx, command, params)
	return err
}

// clickOn clicks with the mouse in the middle of the element that an expression is.
func clickOn(expression string) chromedp.Action[chromedp.Void] {
	return at(expression, func(x, y float64) chromedp.Action[chromedp.Void] { return chromedp.MouseClickXY(x, y) })
}

// hover moves the mouse there.
func hover(expression string) chromedp.Action[chromedp.Void] {
	return at(expression, func(x, y float64) chromedp.Action[chromedp.Void] {
		return chromedp.MouseEvent(chromedp.MouseMoved, x, y)
	})
}

func at(expression string, act func(x, y float64) chromedp.Action[chromedp.Void]) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		place, err := chromedp.Evaluate[[]float64](`(() => {
			const el = `+expression+`;
			el.scrollIntoView({ block: "center", behavior: "instant" });
			const r = el.getBoundingClientRect();
			return [r.left + Math.min(r.width / 2, 60), r.top + r.height / 2];
		})()`)(ctx, target)
		if err != nil {
			return none, fmt.Errorf("%s: %w", expression, err)
		}
		return act(place[0], place[1])(ctx, target)
	}
}
