// Package secret derives keys from other keys. All that is kept secret or authenticated with
// the key of the installation goes back to the two functions here, so what they return for a
// key and a use must never change: links, drafts, receipts and the states of tablets would be
// worth nothing.
package secret

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// size is how many bytes a derived key has.
const size = 32

// For is the key of 32 bytes for one use of the key of the installation. Keys of different
// uses tell nothing of each other.
func For(installation []byte, use string) []byte { return Derive(installation, "suyang/1 "+use) }

// Derive is the key of 32 bytes that HKDF with SHA-256 (RFC 5869) makes of a key, without salt.
// info says what for, and is another text for every use of that key.
func Derive(key []byte, info string) []byte {
	k, err := hkdf.Key(sha256.New, key, nil, info, size)
	if err != nil {
		panic(fmt.Sprintf("deriving a key: %v", err)) // only for an impossible length
	}
	return k
}
