// Package webtest looks at the page of package web as people do: in a real Chromium,
// driven by chromedp, against a running mesh of real processes. `make e2e` runs it.
// Where there is no Chromium, and with -short, its tests are skipped, but with -args
// -required they fail then. -chromium names another browser. `make screenshots` has it
// write the pictures of the documents, and -run TestHold -args -hold 1h has it run a
// large mesh to look at.
package webtest
