// Package webtest looks at the page of package web as people do: in a real Chromium,
// driven by chromedp, against a running mesh of real processes. `make e2e` runs it.
// It wants a Chromium, and is skipped where there is none, unless it is told to fail
// (BECK_CHROMIUM names the program, or BECK_E2E=1 says that there must be one).
package webtest
