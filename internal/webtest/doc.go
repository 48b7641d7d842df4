// Package webtest looks at the page of package web as people do: in a real Chromium,
// driven by chromedp, against a running mesh of real processes. `make e2e` runs it.
// Where there is no Chromium its tests are skipped, or fail with -required; -chromium
// names another one. `make screenshots` has it write the pictures of the documents, and
// -run TestHold -args -hold 1h has it run a large mesh to look at.
package webtest
