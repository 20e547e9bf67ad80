package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/internal/signing"
	"github.com/suyang-survey/suyang/surveys"
)

// receiptCommand shows the key of the receipts, and checks receipts without a server.
type receiptCommand struct {
	Key   receiptKey   `cmd:"" help:"Print the public key with which anybody can check receipts."`
	Check receiptCheck `cmd:"" help:"Check a receipt: that it is genuine, and with --body and --log that it is of this interview and that the log still has it."`
}

type receiptKey struct {
	stateFlags
	JWK bool `name:"jwk" help:"Print it as a JWK for WebCrypto instead of PEM for openssl."`
}

type receiptCheck struct {
	stateFlags
	File string `arg:"" type:"existingfile" help:"File with the receipt, the JSON that was the answer to the interview."`
	With string `name:"key" type:"existingfile" help:"File with the public key as PEM; by default the key of the state folder is used."`
	Body string `type:"existingfile" help:"File with the interview as it was sent."`
	Log  bool   `help:"Look for the interview in the log of the state folder; the server must not be running."`
}

// public is the receipt key of the installation.
func (f *stateFlags) public() (signing.Public, error) {
	if _, err := os.Stat(filepath.Join(f.State, keyFile)); err != nil {
		return signing.Public{}, fmt.Errorf("%s has no key (%w); give the state folder with --state", f.State, err)
	}
	secret, err := f.key()
	if err != nil {
		return signing.Public{}, err
	}
	key, err := intake.ReceiptKey(secret)
	if err != nil {
		return signing.Public{}, err
	}
	return key.Public(), nil
}

// Run prints the key.
func (c *receiptKey) Run(con *console) error {
	key, err := c.public()
	if err != nil {
		return err
	}
	if !c.JWK {
		_, err = con.out.Write(key.PEM())
		return err
	}
	return json.NewEncoder(con.out).Encode(key.JWK())
}

// Run checks a receipt, and says what it proves.
func (c *receiptCheck) Run(ctx context.Context, con *console) error {
	r, err := readReceipt(c.File)
	if err != nil {
		return err
	}
	key, err := c.checkedWith()
	if err != nil {
		return err
	}
	if !r.Genuine(key) {
		return fmt.Errorf("%s is no receipt of this installation, or was changed: %w", c.File, surveys.ErrInvalid)
	}
	fmt.Fprintf(con.out, "genuine: interview %s, revision %d, received %s, record %d of node %d\n", r.ID, r.Revision, r.Received.Format("2006-01-02T15:04:05Z07:00"), r.Seq, r.Node)
	if r.Quarantined != "" {
		fmt.Fprintf(con.out, "it was put into quarantine: %s\n", r.Quarantined)
	}
	if c.Body != "" {
		if err := checkBody(con, r, c.Body); err != nil {
			return err
		}
	}
	if c.Log {
		return c.find(con, r)
	}
	return nil
}

// checkedWith is the key that was named, or that of the state folder.
func (c *receiptCheck) checkedWith() (signing.Public, error) {
	if c.With == "" {
		return c.public()
	}
	text, err := os.ReadFile(c.With)
	if err != nil {
		return signing.Public{}, err
	}
	return signing.ParsePEM(text)
}

// readReceipt reads a receipt strictly: what it holds beside the fields of a receipt would
// look as if it were signed.
func readReceipt(file string) (r intake.Receipt, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return r, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("%s is no receipt: %w: %w", file, surveys.ErrInvalid, err)
	}
	return r, nil
}

// checkBody wants the interview in a file to be the one of the receipt.
func checkBody(con *console, r intake.Receipt, file string) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != r.SHA256 {
		return fmt.Errorf("%s is not what the receipt is for: its SHA-256 is another: %w", file, surveys.ErrConflict)
	}
	fmt.Fprintf(con.out, "%s is what was received\n", file)
	return nil
}

// find says whether the log of the state folder has the interview of a receipt.
func (c *receiptCheck) find(con *console, r intake.Receipt) error {
	log, err := c.openLog()
	if err != nil {
		return err
	}
	defer log.Close()
	found, err := intake.Find(log, r)
	if err != nil {
		return err
	}
	if !found {
		return errors.New("the log of this state folder does not have it: it came after the backup that the folder was restored from, or the log has lost it; hand the interview in again")
	}
	fmt.Fprintln(con.out, "the log has it")
	return nil
}
