package httpd

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// checkHost refuses requests that name another host than this. A page on another
// site can have its own name lead to this address, and its scripts would then be
// let read the answer; but they cannot send another name than theirs. Addresses,
// localhost and the names in the certificate are ours.
func (s *Server) checkHost(r *http.Request) error {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if _, err := netip.ParseAddr(host); err == nil || strings.EqualFold(host, "localhost") || s.certified(host) {
		return nil
	}
	return failf(http.StatusMisdirectedRequest, "host %q: want an IP address, localhost, or a name of the certificate", r.Host)
}

// checkSite refuses what a page of another site asks for. It could not read the answer,
// but take the places of those who can, and have nodes join the mesh. Links lead here
// from anywhere.
func checkSite(r *http.Request) error {
	site := r.Header.Get("Sec-Fetch-Site")
	if (site == "cross-site" || site == "same-site") && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return errOtherSite
	}
	return nil
}

func (s *Server) certified(host string) bool {
	if s.cfg.tls == nil || host == "" {
		return false
	}
	pair := &s.cfg.tls.Certificates[0]
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	return err == nil && cert.VerifyHostname(host) == nil
}

// authorized reports whether a request has the token, if one is wanted. How long
// it takes says nothing about the token.
func (s *Server) authorized(r *http.Request) bool {
	if s.cfg.token == "" {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	given, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(s.cfg.token))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

// checkMethod refuses what is not for a path.
func (p *route) checkMethod(w http.ResponseWriter, r *http.Request) error {
	switch {
	case r.Method == http.MethodGet, r.Method == http.MethodHead, r.Method == http.MethodPut && p.put:
		return nil
	case p.put:
		w.Header().Set("Allow", "GET, HEAD, PUT")
		return failf(http.StatusMethodNotAllowed, "method %s: want GET, HEAD or PUT", r.Method)
	}
	w.Header().Set("Allow", "GET, HEAD")
	return failf(http.StatusMethodNotAllowed, "method %s: want GET or HEAD: nothing can be changed here", r.Method)
}

// checkChange refuses to change anything where there is no token, which everybody
// on the machine would then have, and for a page of another site, whatever it knows.
func (s *Server) checkChange(r *http.Request) error {
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return errOtherSite
	}
	if s.cfg.token == "" {
		return failf(http.StatusForbidden, "nothing can be changed without a token: start the daemon with --http-token-file")
	}
	return nil
}
