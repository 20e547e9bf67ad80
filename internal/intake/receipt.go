package intake

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// Status says whether a submission was seen before.
type Status string

// The statuses.
const (
	Created  Status = "created"
	Repeated Status = "repeated"
)

// Receipt is the proof that a submission is durable. A tablet may delete its copy
// when SHA256 is the hash of what it sent.
type Receipt struct {
	ID       string `json:"id"`
	Revision uint32 `json:"revision"`
	// Node and Seq are the place in the log.
	Node uint16 `json:"node"`
	Seq  uint64 `json:"seq"`
	// SHA256 is the hash of the submitted body, in hexadecimal digits.
	SHA256   string    `json:"sha256"`
	Received time.Time `json:"received"`
	// HMAC signs all the fields above; Genuine checks it.
	HMAC   string `json:"hmac"`
	Status Status `json:"status"`
	// Quarantined is the reason why the interview is kept but does not count; empty
	// for one that counts.
	Quarantined string `json:"quarantined,omitempty"`
}

// sign returns the HMAC-SHA256 of a receipt under the key of this server.
func (in *Intake) sign(r Receipt) string {
	mac := hmac.New(sha256.New, in.key)
	fmt.Fprintf(mac, "suyang receipt 1\n%s\n%d\n%d\n%d\n%s\n%d\n", r.ID, r.Revision, r.Node, r.Seq, r.SHA256, r.Received.UnixNano())
	return hex.EncodeToString(mac.Sum(nil))
}

// Genuine reports whether r was signed with the key of this intake.
func (in *Intake) Genuine(r Receipt) bool {
	return hmac.Equal([]byte(in.sign(r)), []byte(r.HMAC))
}

const (
	keyFile = "receipt.key"
	keySize = 32
)

// readKey reads the receipt key, or makes one at the first start.
func readKey(folder wal.FS) ([]byte, error) {
	key, err := wal.ReadFile(folder, keyFile)
	switch {
	case err == nil && len(key) == keySize:
		return key, nil
	case err == nil:
		return nil, fmt.Errorf("the receipt key in file %s is damaged; restore the file from a backup, or remove it, "+
			"and earlier receipts can no longer be checked", keyFile)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read the receipt key: %w", err)
	}
	key = make([]byte, keySize)
	rand.Read(key)
	if err := wal.ReplaceFile(folder, keyFile, key); err != nil {
		return nil, fmt.Errorf("write the receipt key: %w", err)
	}
	return key, nil
}
