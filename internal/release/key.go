package release

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/suyang-survey/suyang/surveys"
)

// Public is a key with which releases are checked.
type Public struct{ key ed25519.PublicKey }

// ParsePublic reads a public key as PEM, as “suyang release key” and openssl write it.
func ParsePublic(text []byte) (p Public, err error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return p, fmt.Errorf("that is no public key as PEM: %w", surveys.ErrInvalid)
	}
	any, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := any.(ed25519.PublicKey)
	if err != nil || !ok {
		return p, fmt.Errorf("that is no public key of releases, which is one of Ed25519: %w", errors.Join(surveys.ErrInvalid, err))
	}
	return Public{key}, nil
}

func (p Public) der() []byte {
	der, err := x509.MarshalPKIXPublicKey(p.key)
	if err != nil { // it is a key of 32 bytes, or there would be none
		panic(err)
	}
	return der
}

// PEM is the key as openssl reads it.
func (p Public) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: p.der()})
}

// Fingerprint is the SHA-256 of the key in DER, in hexadecimal digits: what two people
// compare who want to know whether they have the same key.
func (p Public) Fingerprint() string {
	sum := sha256.Sum256(p.der())
	return hex.EncodeToString(sum[:])
}

// idDigits is how many digits of the fingerprint name a key.
const idDigits = 16

// ID names the key in a manifest: the first digits of its fingerprint.
func (p Public) ID() string { return p.Fingerprint()[:idDigits] }

// verify reports whether a signature is that of the text.
func (p Public) verify(text, signature []byte) bool {
	return len(p.key) == ed25519.PublicKeySize && ed25519.Verify(p.key, text, signature)
}

// Keys is the folder of the keys that sign releases. The newest signs; of those before it
// only the public part is kept, so that their releases can be checked, but no further ones
// made in their name.
type Keys struct{ dir string }

// KeysIn are the keys in a folder, which need not be there yet.
func KeysIn(dir string) Keys { return Keys{dir} }

// The names of keys: a number that counts them, and an ending that says which part it is.
const (
	privateEnd = ".pem"
	publicEnd  = ".pub"
	keyName    = "%06d"
)

// key is the key that signs.
type key struct{ private ed25519.PrivateKey }

func (k key) public() Public { return Public{k.private.Public().(ed25519.PublicKey)} }

// Signing is the public part of the key that signs, which is made when there is none. It is
// on the disk before this returns.
func (k Keys) Signing() (Public, error) {
	signing, err := k.signing()
	if err != nil {
		return Public{}, err
	}
	return signing.public(), nil
}

func (k Keys) signing() (key, error) {
	found, err := k.current()
	if !errors.Is(err, fs.ErrNotExist) {
		return found, err
	}
	return k.add(false)
}

// trusted complains of a key that is revoked, which signs nothing any more.
func (k Keys) trusted(signing key) error {
	list, err := k.Revoked()
	if r := revoked(list, signing.public()); err == nil && r != nil {
		err = fmt.Errorf("the key %s that signs is revoked; make a further one with “suyang release key --rotate”: %w", r.ID(), surveys.ErrConflict)
	}
	return err
}

// Rotate makes a further key, which signs from now on, and forgets the private part of the
// one before.
func (k Keys) Rotate() (Public, error) {
	made, err := k.add(true)
	if err != nil {
		return Public{}, err
	}
	return made.public(), nil
}

// add makes a key; unless a further one is wanted, one that somebody else has made meanwhile
// is taken.
func (k Keys) add(further bool) (key, error) {
	if err := makeFolder(k.dir); err != nil {
		return key{}, err
	}
	unlock, err := lock(k.dir, "the keys of releases are")
	if err != nil {
		return key{}, err
	}
	defer unlock()
	names, err := k.names()
	if err != nil {
		return key{}, err
	}
	if len(names) > 0 && !further {
		return k.current()
	}
	number := 1
	if len(names) > 0 {
		if _, err := fmt.Sscanf(names[len(names)-1], keyName, &number); err != nil {
			return key{}, fmt.Errorf("%s in %s is no key: %w", names[len(names)-1], k.dir, err)
		}
		number++
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return key{}, err
	}
	if err := k.keep(number, private); err != nil {
		return key{}, fmt.Errorf("keep the key of releases: %w", err)
	}
	return key{private}, k.retire(names)
}

// keep writes a private key so that it is there whole or not at all, for its owner only.
func (k Keys) keep(number int, private ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return writeWhole(filepath.Join(k.dir, fmt.Sprintf(keyName, number)+privateEnd), text, 0o600)
}

// retire keeps only the public part of keys.
func (k Keys) retire(names []string) error {
	for _, name := range names {
		number, isPrivate := strings.CutSuffix(name, privateEnd)
		if !isPrivate {
			continue
		}
		old, err := k.read(name)
		if err != nil {
			return err
		}
		public := Public{old.Public().(ed25519.PublicKey)}
		if err := writeWhole(filepath.Join(k.dir, number+publicEnd), public.PEM(), 0o600); err != nil {
			return err
		}
		if err := errors.Join(os.Remove(filepath.Join(k.dir, name)), syncFolder(k.dir)); err != nil {
			return err
		}
	}
	return nil
}

// names lists the files of keys, the oldest first; those that a crash left half-made are
// left out.
func (k Keys) names() (names []string, err error) {
	entries, err := os.ReadDir(k.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if end := filepath.Ext(e.Name()); e.Name()[0] != '.' && (end == privateEnd || end == publicEnd) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// current is the newest key, fs.ErrNotExist when there is none.
func (k Keys) current() (key, error) {
	names, err := k.names()
	if err != nil {
		return key{}, err
	}
	if len(names) == 0 {
		return key{}, fs.ErrNotExist
	}
	newest := names[len(names)-1]
	if filepath.Ext(newest) != privateEnd {
		return key{}, fmt.Errorf("%s has no private key, only %s; restore it from the backup, or make a further key with “suyang release key --rotate”: %w", k.dir, newest, surveys.ErrConflict)
	}
	private, err := k.read(newest)
	return key{private}, err
}

// read reads a private key.
func (k Keys) read(name string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(filepath.Join(k.dir, name))
	if err != nil {
		return nil, err
	}
	fault := fmt.Errorf("%s is no private key of releases; restore it from the backup: %w", filepath.Join(k.dir, name), surveys.ErrInvalid)
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fault
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := any.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fault
	}
	return private, nil
}

// Public lists the public keys, the newest first; there is none before the first release.
func (k Keys) Public() (list []Public, err error) {
	names, err := k.names()
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Backward(names) {
		p, err := k.publicIn(name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(list, func(o Public) bool { return o.key.Equal(p.key) }) { // a crash may leave both parts
			list = append(list, p)
		}
	}
	return list, nil
}

func (k Keys) publicIn(name string) (Public, error) {
	if filepath.Ext(name) == privateEnd {
		private, err := k.read(name)
		return key{private}.publicOrNone(), err
	}
	text, err := os.ReadFile(filepath.Join(k.dir, name))
	if err != nil {
		return Public{}, err
	}
	return ParsePublic(text)
}

func (k key) publicOrNone() Public {
	if k.private == nil {
		return Public{}
	}
	return k.public()
}
