// Package check holds what Prometheus and Grafana are given in deploy against what
// beck's daemons print. It parses rules and queries with Prometheus' own parser and
// evaluates alerts with its engine, which is why it is a module of its own: nobody who
// builds beck needs these.
//
// `make rules` runs its tests. What they check:
//
//   - rules and dashboards are such as Prometheus and Grafana read;
//   - each metric and each label in them is one that daemons print
//     (deploy/prometheus/metrics.txt, which a test of internal/httpd keeps right);
//   - each alert fires when it should and not otherwise, by the scenarios of
//     testdata/alerts.yaml;
//   - each alert has its section in docs/runbooks.md and its place in docs/metrics.md.
package check
