package tablet

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/suyang-survey/suyang/internal/signing"
)

// keys come from the key of the installation.
type keys struct {
	sign   signing.Key
	rescue *ecdh.PrivateKey
}

func deriveKeys(key []byte) (k keys, err error) {
	if k.sign, err = signing.Derive(key, "suyang tablet receipts 1"); err != nil {
		return k, err
	}
	return k, signing.Bytes(key, "suyang tablet rescue 1", func(b []byte) (err error) {
		k.rescue, err = ecdh.P256().NewPrivateKey(b)
		return err
	})
}

// ReceiptKey is the public key with which receipts and checkpoints are checked: an uncompressed
// point of P-256 in base64url.
func (t *Tablets) ReceiptKey() string { return t.keys.sign.Public().Point() }

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
	r.Signature, err = t.keys.sign.Sign(fmt.Sprintf("suyang tablet receipt 1\n%s\n%d\n%d\n%s\n%s\n", r.Device, r.From, r.To, r.Head, r.At))
	return r, err
}

func (t *Tablets) checkpoint(device string, upto uint64, head hash, now time.Time) (*Checkpoint, error) {
	c := &Checkpoint{Device: device, Upto: upto, Head: hex.EncodeToString(head[:]), At: stamp(now)}
	var err error
	c.Signature, err = t.keys.sign.Sign(fmt.Sprintf("suyang tablet checkpoint 1\n%s\n%d\n%s\n%s\n", c.Device, c.Upto, c.Head, c.At))
	return c, err
}

// stamp writes a time as signatures have it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
