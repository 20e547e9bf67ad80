package signing

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

var installation = bytes.Repeat([]byte{3}, 32)

func derive(t *testing.T, purpose string) Key {
	t.Helper()
	k, err := Derive(installation, purpose)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sign(t *testing.T, k Key, text string) string {
	t.Helper()
	s, err := k.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A signature is the same whenever it is made, is that of one text, and is checked with the
// key of its purpose only.
func TestSign(t *testing.T) {
	k, other := derive(t, "receipts"), derive(t, "other")
	s := sign(t, k, "text")
	if again := sign(t, derive(t, "receipts"), "text"); again != s {
		t.Errorf("signed again: %s, want %s", again, s)
	}
	last := s[:len(s)-1] + "B" // has bits that no byte holds
	for _, c := range []struct {
		name, text, signature string
		key                   Key
		want                  bool
	}{
		{"as signed", "text", s, k, true},
		{"another text", "Text", s, k, false},
		{"another key", "text", s, other, false},
		{"another signature", "text", sign(t, k, "x"), k, false},
		{"too short", "text", s[:80], k, false},
		{"no base64url", "text", "?" + s[1:], k, false},
		{"loose bits", "text", last, k, false},
		{"nothing", "text", "", k, false},
		{"zeros", "text", base64.RawURLEncoding.EncodeToString(make([]byte, 64)), k, false},
	} {
		if got := c.key.Public().Verify(c.text, c.signature); got != c.want {
			t.Errorf("%s: Verify() = %v, want %v", c.name, got, c.want)
		}
	}
	if (Public{}).Verify("text", s) {
		t.Error("no key verifies a signature")
	}
	if _, err := Derive(installation[:31], "receipts"); err == nil {
		t.Error("a key is derived from 31 bytes")
	}
}

// The public key is the same in all its forms.
func TestPublic(t *testing.T) {
	p := derive(t, "receipts").Public()
	again, err := ParsePEM(p.PEM())
	if err != nil || again.Point() != p.Point() {
		t.Errorf("ParsePEM() = %v, %v", again, err)
	}
	b, err := json.Marshal(p.JWK())
	if err != nil {
		t.Fatal(err)
	}
	var jwk struct{ Kty, Crv, X, Y string }
	if err := json.Unmarshal(b, &jwk); err != nil || jwk.Kty != "EC" || jwk.Crv != "P-256" {
		t.Fatalf("%s: %v", b, err)
	}
	half := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil || len(b) != 32 {
			t.Fatalf("%q has %d bytes: %v", s, len(b), err)
		}
		return b
	}
	sum := sha256.Sum256([]byte("text"))
	both, err := base64.RawURLEncoding.DecodeString(sign(t, derive(t, "receipts"), "text"))
	if err != nil {
		t.Fatal(err)
	}
	independent, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, half(jwk.X), half(jwk.Y)))
	if err != nil {
		t.Fatal(err)
	}
	if !ecdsa.Verify(independent, sum[:], new(big.Int).SetBytes(both[:32]), new(big.Int).SetBytes(both[32:])) {
		t.Error("the signature is not that of the JWK")
	}
	for name, text := range map[string]string{"nothing": "", "other text": "hello", "a private key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"no key in it": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if _, err := ParsePEM([]byte(text)); !errors.Is(err, surveys.ErrInvalid) {
			t.Errorf("%s: ParsePEM() = %v, want ErrInvalid", name, err)
		}
	}
}

// The recipe of the manual: openssl alone checks a signature.
func TestOpenSSL(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("openssl is missing; install it with: make deps")
		}
		t.Skip("openssl is missing; make deps installs it")
	}
	const text = "suyang receipt 1\n…\n"
	k := derive(t, "receipts")
	manual, err := os.ReadFile("../../web/docs/reference/ledger.md")
	if err != nil || !strings.Contains(string(manual), recipe) {
		t.Errorf("the manual has another recipe: %v", err)
	}
	check := func(signature string) (string, error) {
		dir := t.TempDir()
		for name, content := range map[string]string{"text": text, "signature": signature, "key.pem": string(k.Public().PEM())} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("sh", "-e", "-c", recipe)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := check(sign(t, k, text)); err != nil {
		t.Errorf("openssl does not take the signature: %v: %s", err, out)
	}
	if out, err := check(sign(t, k, text+"x")); err == nil {
		t.Errorf("openssl takes the signature of another text: %s", out)
	}
}

// recipe stands in web/docs/reference/ledger.md, too. Its files are text, signature and
// key.pem.
const recipe = `hex=$( (tr '_-' '/+' < signature; printf '==') | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "$(printf %s "$hex" | cut -c1-64)" "$(printf %s "$hex" | cut -c65-)" > pair
openssl asn1parse -genconf pair -noout -out pair.der
openssl dgst -sha256 -verify key.pem -signature pair.der text`
