package httpd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// The files of [Keys], named as in a Kubernetes secret of a certificate.
const (
	CertFile  = "tls.crt"
	KeyFile   = "tls.key"
	TokenFile = "token"
)

// Keys is what a daemon needs to serve HTTP beyond loopback: a certificate that signs
// itself, its key, and a token, in a directory.
type Keys struct {
	Dir   string   // made if it is not there
	Names []string // host names, also with "*." in front, and IP addresses
	Days  int      // the certificate is good for, from now
	Renew bool     // make a new certificate in any case
}

// renewDays is how long a certificate must be good for to stay.
const renewDays = 30

// Write makes what the directory lacks, and returns which of the files it made. A
// token stays. A certificate stays, too, unless it lacks one of the names, ends within
// 30 days, does not fit the key, or is to be renewed. Key and token are for the
// owner and the group of the directory; each file is replaced as a whole.
func (k Keys) Write() (made []string, err error) {
	if err := os.MkdirAll(k.Dir, 0o750); err != nil {
		return nil, err
	}
	if k.Renew || !k.good() {
		if err := k.writeCert(); err != nil {
			return nil, err
		}
		made = append(made, CertFile, KeyFile)
	}
	if _, err := os.Stat(k.path(TokenFile)); errors.Is(err, fs.ErrNotExist) {
		token := make([]byte, 32)
		_, _ = rand.Read(token) // which never fails
		if err := k.write(TokenFile, []byte(hex.EncodeToString(token)+"\n"), 0o640); err != nil {
			return made, err
		}
		made = append(made, TokenFile)
	} else if err != nil {
		return made, err
	}
	return made, nil
}

func (k Keys) path(name string) string { return filepath.Join(k.Dir, name) }

// good reports whether the certificate that is there can stay.
func (k Keys) good() bool {
	pair, err := tls.LoadX509KeyPair(k.path(CertFile), k.path(KeyFile))
	if err != nil {
		return false
	}
	has := func(name string) bool {
		if ip, err := netip.ParseAddr(name); err == nil {
			name = "[" + ip.String() + "]"
			return pair.Leaf.VerifyHostname(name) == nil
		}
		return slices.Contains(pair.Leaf.DNSNames, name)
	}
	return time.Until(pair.Leaf.NotAfter) > renewDays*24*time.Hour &&
		!slices.ContainsFunc(k.Names, func(name string) bool { return !has(name) })
}

// writeCert writes the key first: a certificate without its key is made anew by the
// next call.
func (k Keys) writeCert() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	cert, err := k.newCert(key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := k.write(KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o640); err != nil {
		return err
	}
	return k.write(CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o644)
}

// newCert returns a certificate for servers only: who trusts it trusts nothing else
// that the key may sign.
func (k Keys) newCert(key *ecdsa.PrivateKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{"beck"}, CommonName: "beck HTTP"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, k.Days), // clocks differ
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, name := range k.Names {
		if ip, err := netip.ParseAddr(name); err == nil {
			c.IPAddresses = append(c.IPAddresses, ip.AsSlice())
		} else {
			c.DNSNames = append(c.DNSNames, name)
		}
	}
	return x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
}

// write replaces a file as a whole.
func (k Keys) write(name string, text []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(k.Dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), k.path(name))
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("write %s: %w", k.path(name), err), os.Remove(f.Name()))
	}
	return err
}
