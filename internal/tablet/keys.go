package tablet

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// keys come from the key of the installation.
type keys struct {
	sign   *ecdsa.PrivateKey
	rescue *ecdh.PrivateKey
}

// minKey is the least number of bytes of the key of an installation.
const minKey = 32

func deriveKeys(key []byte) (k keys, err error) {
	if len(key) < minKey {
		return k, fmt.Errorf("the key of the installation has %d bytes; it must have at least %d", len(key), minKey)
	}
	err = derive(key, "suyang tablet receipts 1", func(b []byte) (err error) {
		k.sign, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), b)
		return err
	})
	if err != nil {
		return k, err
	}
	return k, derive(key, "suyang tablet rescue 1", func(b []byte) (err error) {
		k.rescue, err = ecdh.P256().NewPrivateKey(b)
		return err
	})
}

// derive makes bytes of the key until they are a private key of the curve: nearly all are, and
// which ones are the first is always the same.
func derive(key []byte, purpose string, use func([]byte) error) (err error) {
	for n := range 100 {
		var b []byte
		if b, err = hkdf.Key(sha256.New, key, nil, purpose+"\n"+strconv.Itoa(n), 32); err != nil {
			return err
		}
		if err = use(b); err == nil {
			return nil
		}
	}
	return fmt.Errorf("derive a key: %w", err)
}

// ReceiptKey is the public key with which receipts and checkpoints are checked: an uncompressed
// point of P-256 in base64url.
func (t *Tablets) ReceiptKey() string {
	point, err := t.keys.sign.PublicKey.Bytes()
	if err != nil { // it was derived from the private key
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(point)
}

// RescueKey is the public key for which tablets wrap the key of their storage, in the same form.
func (t *Tablets) RescueKey() string {
	return base64.RawURLEncoding.EncodeToString(t.keys.rescue.PublicKey().Bytes())
}

// Receipt is the signed word that events are durable.
type Receipt struct {
	Device    string `json:"device"`
	From      uint64 `json:"from"`
	To        uint64 `json:"to"`
	Head      string `json:"head"`
	At        string `json:"at"`
	Signature string `json:"signature"`
}

// Checkpoint is the signed word that all events up to a number are durable and carried out.
type Checkpoint struct {
	Device    string `json:"device"`
	Upto      uint64 `json:"upto"`
	Head      string `json:"head"`
	At        string `json:"at"`
	Signature string `json:"signature"`
}

func (t *Tablets) receipt(device string, from, to uint64, head hash, now time.Time) (*Receipt, error) {
	r := &Receipt{Device: device, From: from, To: to, Head: hex.EncodeToString(head[:]), At: stamp(now)}
	var err error
	r.Signature, err = t.keys.signature(fmt.Sprintf("suyang tablet receipt 1\n%s\n%d\n%d\n%s\n%s\n", r.Device, r.From, r.To, r.Head, r.At))
	return r, err
}

func (t *Tablets) checkpoint(device string, upto uint64, head hash, now time.Time) (*Checkpoint, error) {
	c := &Checkpoint{Device: device, Upto: upto, Head: hex.EncodeToString(head[:]), At: stamp(now)}
	var err error
	c.Signature, err = t.keys.signature(fmt.Sprintf("suyang tablet checkpoint 1\n%s\n%d\n%s\n%s\n", c.Device, c.Upto, c.Head, c.At))
	return c, err
}

// stamp writes a time as signatures have it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// signature is r and s one after the other, 32 bytes each, in base64url.
func (k keys) signature(text string) (string, error) {
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, k.sign, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign for a tablet: %w", err)
	}
	var both [64]byte
	r.FillBytes(both[:32])
	s.FillBytes(both[32:])
	return base64.RawURLEncoding.EncodeToString(both[:]), nil
}
