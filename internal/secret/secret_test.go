package secret

import (
	"encoding/hex"
	"testing"
)

// installation is the key 00 01 02 … 1f.
var installation = func() (key []byte) {
	for i := range 32 {
		key = append(key, byte(i))
	}
	return key
}()

// The keys are those that existing states were made with. The numbers come from RFC 5869
// written down in Python, with hmac and hashlib, and agree with the program before this
// package was there.
func TestKeysNeverChange(t *testing.T) {
	for use, want := range map[string]string{
		"node":           "d48d57c172944a1d1f0936f911ad44e4e39a232db492b7f792d8bcbf9b80a7ec",
		"case link":      "ca77a322369bfc5dcec81a69eb55154b9fb1d11bfc0d123ea20fd3f73c54ca51",
		"case interview": "0982a3fcc76114c027d1f62cde76d70e26527520f48cb1b126927292145f9c4d",
		"draft hash":     "02ceab405133304e73632c9e3241127dd95a2a5d136ae493f6b9abc6e6f92599",
		"draft code":     "93a8444a163efb00097af1e490d0d4df6e373719be4b4022c37bbb7321b638ee",
		"draft 7d7f1c6e-55a8-4b21-8b0e-000000000001": "7158a7c84a5f7ae6e7642a3bf43234aaa74fc44b9589792e66898c05bd2ce339",
	} {
		if got := hex.EncodeToString(For(installation, use)); got != want {
			t.Errorf("For(%q) = %s, want %s", use, got, want)
		}
	}
	for info, want := range map[string]string{
		"suyang rescue 1\ntablet-1": "a856b97e69d8ef62a849acf954297ecc6b174af50e19c8835bd386b8e0d770cd",
		"receipts\n0":               "f2383203eb18b11cd5a0465bcad9acc6f5cb34a5c1199d6fb74f410a778a4477",
	} {
		if got := hex.EncodeToString(Derive(installation, info)); got != want {
			t.Errorf("Derive(%q) = %s, want %s", info, got, want)
		}
	}
}
