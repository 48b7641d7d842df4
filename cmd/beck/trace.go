package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/config"
	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// traceFlags say where a command's spans go.
type traceFlags struct{ to string }

// What --trace may be besides a URL.
const (
	traceOff    = "off"
	traceOTLP   = "otlp"
	traceStderr = "stderr"
)

// Where OpenTelemetry's environment names a collector.
var endpointVariables = []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"}

func (f *traceFlags) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.to, "trace", traceOff,
		"`WHERE` spans go: off, stderr, http://HOST:PORT of a collector that speaks OTLP, or otlp for that of OTEL_EXPORTER_OTLP_ENDPOINT")
	config.Share(cmd.Flags(), "trace")
}

// check returns what is wrong with the flag.
func (f *traceFlags) check() error {
	switch f.to {
	case traceOff, traceStderr:
		return nil
	case traceOTLP:
		for _, name := range endpointVariables {
			if text := os.Getenv(name); text != "" {
				return checkCollector(name, text)
			}
		}
		return usagef("--trace %s: %s is not set: nothing is dialled that was not named", traceOTLP, endpointVariables[1])
	}
	return checkCollector("--trace", f.to)
}

func checkCollector(what, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		allowed := "http://HOST:PORT"
		if what == "--trace" {
			allowed = "off, stderr, otlp or " + allowed
		}
		return usagef("%s: %q: want %s", what, text, allowed)
	}
	return nil
}

// exportPatience is how long the end of a command waits for its last spans to be
// taken.
const exportPatience = 3 * time.Second

// start returns what makes the spans of a command's node; nil if they go nowhere.
// stop sends what has not been sent. It is called when the node has been closed.
// options count more than what the environment says.
func (f *traceFlags) start(cmd *cobra.Command, log *slog.Logger, options ...sdktrace.TracerProviderOption) (provider trace.TracerProvider, stop func(), err error) {
	if err := f.check(); err != nil || f.to == traceOff {
		return nil, func() {}, err
	}
	exporter, err := f.exporter(cmd.Context(), cmd.ErrOrStderr())
	if err != nil {
		return nil, nil, usagef("--trace %s: %v", f.to, err)
	}
	from, err := traceResource(cmd)
	if err != nil {
		return nil, nil, usagef("--trace %s: %v", f.to, err)
	}
	// What is wrong with the environment is told to a handler alone.
	var wrong atomic.Pointer[error]
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { wrong.CompareAndSwap(nil, &err) }))
	options = append([]sdktrace.TracerProviderOption{sdktrace.WithResource(from), sdktrace.WithBatcher(exporter)}, options...)
	p := sdktrace.NewTracerProvider(options...)
	if err := wrong.Load(); err != nil {
		return nil, nil, errors.Join(usagef("--trace %s: %w", f.to, *err), p.Shutdown(cmd.Context()))
	}
	failed := func(err error) { log.Warn("spans could not be sent", "to", f.to, "err", err) }
	otel.SetErrorHandler(otel.ErrorHandlerFunc(failed))
	return p, func() {
		ctx, cancel := context.WithTimeout(context.Background(), exportPatience)
		defer cancel()
		if err := p.Shutdown(ctx); err != nil {
			failed(err)
		}
	}, nil
}

// sampled reports whether the environment says which traces are kept. Then it is to be
// asked about each.
func sampled() bool { return os.Getenv("OTEL_TRACES_SAMPLER") != "" }

// use has a node make the spans of a provider.
func use(node *beck.NodeConfig, provider trace.TracerProvider) {
	node.TracerProvider = provider
	if sampled() {
		node.RootTraces = -1
	}
}

// exporter returns what takes spans. Nothing is dialled yet.
func (f *traceFlags) exporter(ctx context.Context, errOut io.Writer) (sdktrace.SpanExporter, error) {
	switch f.to {
	case traceStderr:
		return stdouttrace.New(stdouttrace.WithWriter(errOut))
	case traceOTLP:
		return otlptracehttp.New(ctx)
	}
	u, err := url.Parse(f.to)
	if err != nil {
		return nil, err
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	return otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()))
}

// traceResource says which program the spans are of. OTEL_SERVICE_NAME and
// OTEL_RESOURCE_ATTRIBUTES say more, and count more.
func traceResource(cmd *cobra.Command) (*resource.Resource, error) {
	r, err := resource.New(cmd.Context(),
		resource.WithAttributes(semconv.ServiceName("beck-"+cmd.Name()), semconv.ServiceVersion(versionText())),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return r, nil
}
