package e2e_test

import (
	"crypto/tls"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sheetlift/internal/app/certtest"
)

func TestOnSIGHUPTheCertificateIsReadAnewAndABrokenOneKeepsTheOld(t *testing.T) {
	t.Parallel()
	expectWarnings(t, brokenCertificate)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	certtest.Write(t, cert, key, 1)
	cmd, p := child(t, "SHEETLIFT_DATA="+filepath.Join(dir, "data"), "SHEETLIFT_TLS_CERT="+cert, "SHEETLIFT_TLS_KEY="+key)
	served := func() int64 {
		u, err := url.Parse(p.url)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", u.Host)
		if err != nil {
			t.Fatalf("the program does not answer: %v\n%s", err, p.log)
		}
		defer conn.Close()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	hangUp := func() {
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	if n := served(); n != 1 {
		t.Errorf("at the start the certificate is number %d", n)
	}
	certtest.Write(t, cert, key, 2)
	hangUp()
	waitFor(t, func() bool { return served() == 2 })
	if err := os.WriteFile(key, []byte("half a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangUp()
	waitFor(t, func() bool { return strings.Contains(p.log.String(), "the old one stays") })
	if n := served(); n != 2 {
		t.Errorf("after a broken pair the certificate is number %d", n)
	}
	certtest.Write(t, cert, key, 3)
	hangUp()
	waitFor(t, func() bool { return served() == 3 })
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}
