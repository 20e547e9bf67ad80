package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/internal/signing"
)

// Status says whether a submission was seen before.
type Status string

// The statuses.
const (
	Created  Status = "created"
	Repeated Status = "repeated"
)

// Receipt is the proof that a submission is durable. A tablet may delete its copy
// when SHA256 is the hash of what it sent and the signature is that of the server. The
// same submission again gets the same receipt, to the byte.
type Receipt struct {
	ID       string `json:"id"`
	Revision uint32 `json:"revision"`
	// Node and Seq are the place in the log.
	Node uint16 `json:"node"`
	Seq  uint64 `json:"seq"`
	// SHA256 is the hash of the submitted body, in hexadecimal digits.
	SHA256   string    `json:"sha256"`
	Received time.Time `json:"received"`
	// Quarantined is the reason why the interview is kept but does not count; empty
	// for one that counts.
	Quarantined string `json:"quarantined,omitempty"`
	// Signature signs Text under the receipt key; see signing.Key.Sign.
	Signature string `json:"signature"`
	// Status is for the answer, whose status code says it; it is no part of the receipt.
	Status Status `json:"-"`
}

// receiptPurpose is what the key of receipts is derived for.
const receiptPurpose = "suyang receipts 1"

// ReceiptKey derives the key that signs receipts from that of the installation.
func ReceiptKey(installation []byte) (signing.Key, error) {
	return signing.Derive(installation, receiptPurpose)
}

// Text is what the signature signs: a name, and all fields in their order, each in a line
// of its own. None of them holds a line break.
func (r Receipt) Text() string {
	return strings.Join([]string{"suyang receipt 1", r.ID, fmt.Sprint(r.Revision), fmt.Sprint(r.Node), fmt.Sprint(r.Seq), r.SHA256,
		r.Received.UTC().Format(time.RFC3339Nano), r.Quarantined, ""}, "\n")
}

// Genuine reports whether a receipt was signed with the private key of key, and says what
// it said then.
func (r Receipt) Genuine(key signing.Public) bool {
	return !strings.Contains(r.ID+r.SHA256+r.Quarantined, "\n") && key.Verify(r.Text(), r.Signature)
}

// sign completes a receipt.
func (in *Intake) sign(r Receipt) (Receipt, error) {
	var err error
	r.Signature, err = in.key.Sign(r.Text())
	return r, err
}

// ReceiptKey is the key with which receipts are checked.
func (in *Intake) ReceiptKey() signing.Public { return in.key.Public() }

// Find reports whether a log has the submission that a receipt is for, wherever in the log:
// after a restore from an earlier backup, a submission that comes again gets another place.
func Find(log Log, r Receipt) (bool, error) {
	id, ok := parseUUID(r.ID)
	if !ok {
		return false, nil
	}
	for record, err := range log.Read(1) {
		var damage *wal.Damage
		switch {
		case errors.As(err, &damage):
			continue
		case err != nil:
			return false, fmt.Errorf("look for the interview in the log: %w", err)
		case record.ID != id || record.Revision != r.Revision || !isSubmission(record.Kind):
			continue
		}
		if e, err := decodeEntry(record); err == nil && hex.EncodeToString(e.sum[:]) == r.SHA256 && sha256.Sum256(e.body) == e.sum {
			return true, nil
		}
	}
	return false, nil
}
