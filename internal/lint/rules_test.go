package lint

// module is the import path that this repository's own packages begin with.
const module = "github.com/beckmesh/beck"

// maxLines is the length from which on a file that is no test spares its
// reader by being two.
const maxLines = 500

// layers orders the packages of the module from the top to the bottom. A
// package may import only packages of lower layers; packages of one layer do
// not know each other. Paths are relative to the module, "." is its root, and
// "dir/..." includes what is below dir.
var layers = [][]string{
	{"cmd/...", "bench/...", "packaging/...", "deploy/..."},                                        // bench, packaging and deploy/check are modules of their own
	{"internal/chaos", "internal/e2e", "internal/interop/...", "internal/sim", "internal/webtest"}, // tests of everything together
	{"internal/testmesh", "internal/testproc", "internal/bench"},
	{"meshtest", "internal/control", "internal/httpd"},
	{"tower", "producer", "consumer", "store", "internal/survey"},
	{"internal/format"},
	{"internal/mesh", "internal/foreign/...", "internal/jsonl", "internal/tracing"},
	{"."}, // the root package: what an application and the mesh share
	{"internal/blocklog", "internal/journal", "internal/positions"},
	{"internal/home"},
	{"internal/core"},
	{"internal/zmtp", "internal/compress"},
	{"internal/dafka"},
	{"protocol"},
	{"internal/network", "internal/zpl"},
	{"internal/lint", "internal/faultproxy", "internal/planted", "internal/procs", "internal/testdisk", "internal/workload",
		"internal/config", "internal/escape", "internal/histogram", "internal/span", "internal/split", "internal/tally", "internal/tmpl", "internal/web"}, // know nothing of the rest
}

// pureDirs are the packages that decide: no I/O, no clock, no goroutine, no
// lock, no global randomness. The bytes and the decisions are the same for the
// same input, which is what lets a simulation replay them.
var pureDirs = []string{"internal/core"}

// pureImports is what a pure package may import of the standard library.
var pureImports = map[string]bool{
	"bytes": true, "cmp": true, "container/heap": true, "container/list": true,
	"encoding/binary": true, "encoding/hex": true, "errors": true, "fmt": true,
	"hash/crc32": true, "iter": true, "maps": true,
	"math": true, "math/bits": true, "math/rand": true, "math/rand/v2": true,
	"slices": true, "sort": true, "strconv": true, "strings": true,
	"time": true, "unicode/utf8": true, "unique": true,
}

// pureSelectors lists, for the packages that are pure only in part, what a
// pure package must not use of them (deny) or all that it may use (allow).
var pureSelectors = map[string]struct{ deny, allow []string }{
	"time": {deny: []string{
		"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick",
		"NewTimer", "NewTicker", "Timer", "Ticker", "Local", "LoadLocation",
	}},
	"fmt": {deny: []string{
		"Print", "Printf", "Println", "Scan", "Scanf", "Scanln",
	}},
	"math/rand":    {allow: []string{"New", "NewSource", "NewZipf", "Rand", "Source", "Source64", "Zipf"}},
	"math/rand/v2": {allow: []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "PCG", "ChaCha8", "Zipf"}},
}

// homes says where alone a library may be imported, tests excepted: by one
// file or by the packages below one directory.
var homes = map[string]string{
	"github.com/go-zeromq/zmq4":          "internal/zmtp/handshake.go",
	"github.com/cockroachdb/pebble":      "internal/blocklog/ internal/journal/ internal/positions/ internal/home/ internal/sim/ bench/",
	"github.com/vmihailenco/msgpack":     "protocol/ internal/blocklog/ internal/journal/",
	"github.com/klauspost/compress":      "internal/compress/",
	"github.com/spf13/cobra":             "cmd/ bench/",
	"github.com/prometheus":              "cmd/ internal/httpd/ internal/blocklog/ deploy/",
	"charm.land/bubbletea":               "cmd/",
	"go.opentelemetry.io/otel":           "tracing.go config.go internal/tracing/ consumer/tracing.go store/tracing.go cmd/",
	"go.opentelemetry.io/otel/sdk":       "cmd/",
	"go.opentelemetry.io/otel/exporters": "cmd/",
	"github.com/knadh/koanf":             "internal/config/",
	"go.yaml.in/yaml":                    "internal/config/ deploy/",
	"github.com/vbauerster/mpb":          "cmd/",
	"github.com/coreos/go-systemd":       "cmd/",
	"github.com/nats-io":                 "bench/",
	"github.com/pebbe/zmq4":              "",
	"go.uber.org/goleak":                 "",
	"pgregory.net/rapid":                 "",
	"github.com/cockroachdb/datadriven":  "",
	"github.com/chromedp":                "",
}
