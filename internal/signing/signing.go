// Package signing signs what the program promises, so that anybody with the public key
// can check it: receipts of interviews and of what tablets recorded.
//
// There is one way: ECDSA over P-256 with SHA-256, which browsers (WebCrypto), openssl and
// every programming language can check. Derive makes a key from that of the installation,
// for one purpose; Verify needs nothing but the public key.
package signing

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strconv"

	"github.com/suyang-survey/suyang/internal/secret"
	"github.com/suyang-survey/suyang/surveys"
)

// minKey is the least number of bytes of the key of an installation.
const minKey = 32

// Key signs for one purpose.
type Key struct{ private *ecdsa.PrivateKey }

// Derive makes the signing key of a purpose from the key of the installation, at least 32
// bytes; the same two give the same key. Keys of different purposes tell nothing of each
// other.
func Derive(installation []byte, purpose string) (k Key, err error) {
	err = Bytes(installation, purpose, func(b []byte) (err error) {
		k.private, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), b)
		return err
	})
	return k, err
}

// Bytes derives 32 bytes for a purpose that use takes, for other kinds of keys. Nearly all
// bytes are a private key of a curve; where they are none, use returns an error and gets the
// next ones. Which ones are the first it takes is always the same.
func Bytes(installation []byte, purpose string, use func([]byte) error) (err error) {
	if len(installation) < minKey {
		return fmt.Errorf("the key of the installation has %d bytes; it must have at least %d", len(installation), minKey)
	}
	for n := range 100 {
		if err = use(secret.Derive(installation, purpose+"\n"+strconv.Itoa(n))); err == nil {
			return nil
		}
	}
	return fmt.Errorf("derive a key: %w", err)
}

// size is the length of each half of a signature, in bytes.
const size = 32

// Sign signs a text: r and s one after the other, 32 bytes each, in base64url, which is what
// WebCrypto takes. The same text always has the same signature (RFC 6979), so a receipt that
// is made again is the same to the byte.
func (k Key) Sign(text string) (string, error) {
	sum := sha256.Sum256([]byte(text))
	der, err := k.private.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &pair); err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	var both [2 * size]byte
	pair.R.FillBytes(both[:size])
	pair.S.FillBytes(both[size:])
	return base64.RawURLEncoding.EncodeToString(both[:]), nil
}

// Public is the key with which signatures are checked.
func (k Key) Public() Public { return Public{&k.private.PublicKey} }

// Public checks signatures.
type Public struct{ key *ecdsa.PublicKey }

// Verify reports whether a signature is that of the text.
func (p Public) Verify(text, signature string) bool {
	both, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil || len(both) != 2*size || p.key == nil {
		return false
	}
	sum := sha256.Sum256([]byte(text))
	return ecdsa.Verify(p.key, sum[:], new(big.Int).SetBytes(both[:size]), new(big.Int).SetBytes(both[size:]))
}

// Point is the public key as an uncompressed point in base64url.
func (p Public) Point() string { return base64.RawURLEncoding.EncodeToString(p.point()) }

func (p Public) point() []byte {
	point, err := p.key.Bytes()
	if err != nil { // it is a point of the curve, or there would be no key
		panic(err)
	}
	return point
}

// JWK is a public key as RFC 7517 and WebCrypto have it.
type JWK struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
	Use string `json:"use"`
	Alg string `json:"alg"`
}

// JWK is the public key for WebCrypto and web libraries.
func (p Public) JWK() JWK {
	point := p.point()
	half := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	return JWK{Kty: "EC", Crv: "P-256", X: half(point[1 : 1+size]), Y: half(point[1+size:]), Use: "sig", Alg: "ES256"}
}

// pemType is what a public key is called in a PEM file.
const pemType = "PUBLIC KEY"

// PEM is the public key (SPKI) for openssl.
func (p Public) PEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(p.key)
	if err != nil { // P-256 has a name there
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})
}

// ParsePEM reads what PEM wrote. Its errors wrap surveys.ErrInvalid.
func ParsePEM(text []byte) (Public, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemType {
		return Public{}, fmt.Errorf("this is no public key; it begins with -----BEGIN %s-----: %w", pemType, surveys.ErrInvalid)
	}
	any, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return Public{}, errors.Join(fmt.Errorf("read the public key: %w", surveys.ErrInvalid), err)
	}
	key, ok := any.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return Public{}, fmt.Errorf("the public key is not one of P-256, with which receipts are signed: %w", surveys.ErrInvalid)
	}
	return Public{key}, nil
}
