package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"

	"github.com/suyang-survey/suyang/surveys"
)

// The cost of a password: what OWASP's Password Storage Cheat Sheet names first for Argon2id,
// and as the least (19 MiB, two passes, one lane). Every choice it lists costs whoever guesses
// about the same. The second choice of RFC 9106, section 4 (64 MiB, three passes), took 0.2
// seconds and 64 MiB on a server of two cores: a few that sign in at the same moment, or one who
// only pretends to, would have kept the cores from the interviews.
const (
	hashTime    = 2
	hashMemory  = 19 << 10 // KiB
	hashThreads = 1
	hashSalt    = 16
	hashLength  = 32
)

// MinPassword is the length of the shortest password, in characters; MaxPassword that of the
// longest, in bytes.
const (
	MinPassword = 10
	MaxPassword = 200
)

// maxHashMemory is what all passwords that are worked on at one time take together, in KiB:
// three of today's cost, or one of the costliest hash that parse lets through. Whoever floods the
// page of signing in waits for room, and takes no more than that.
const maxHashMemory = 64 << 10

var hashing = semaphore.NewWeighted(maxHashMemory)

// key is the hash of a password, when there is room.
func key(password string, salt []byte, p parsed, length int) []byte {
	if err := hashing.Acquire(context.Background(), int64(p.memory)); err != nil {
		panic(fmt.Sprintf("waiting for room to hash a password: %v", err)) // it waits as long as it takes
	}
	defer hashing.Release(int64(p.memory))
	return argon2.IDKey([]byte(password), salt, p.time, p.memory, p.threads, uint32(length))
}

// Hash makes of a password what is stored, in the form of the reference implementation:
// $argon2id$v=19$m=…,t=…,p=…$salt$hash. A password that is too short or too long is an
// error that wraps surveys.ErrInvalid.
func Hash(password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < MinPassword || len(password) > MaxPassword {
		return "", fmt.Errorf("%w: a password has at least %d characters and at most %d bytes", surveys.ErrInvalid, MinPassword, MaxPassword)
	}
	salt := make([]byte, hashSalt)
	rand.Read(salt)
	sum := key(password, salt, parsed{time: hashTime, memory: hashMemory, threads: hashThreads}, hashLength)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashTime, hashThreads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

// Matches reports whether a password is the one of a hash. It takes as long for a hash
// that is none, such as "" for an account without a password, as for one that Hash makes today.
func Matches(hash, password string) bool {
	if len(password) > MaxPassword {
		password = password[:MaxPassword] + "…"
	}
	p, err := parse(hash)
	if err != nil {
		p = parsed{time: hashTime, memory: hashMemory, threads: hashThreads, salt: make([]byte, hashSalt), sum: make([]byte, hashLength)}
	}
	sum := key(password, p.salt, p, len(p.sum))
	return subtle.ConstantTimeCompare(sum, p.sum) == 1 && err == nil
}

// Outdated reports whether a hash has another cost than Hash gives today. Its password still
// matches, and should be hashed anew when it is next known: as long as costs differ, the time of
// a sign-in tells which accounts are old ones.
func Outdated(hash string) bool {
	p, err := parse(hash)
	return err == nil && (p.time != hashTime || p.memory != hashMemory || p.threads != hashThreads)
}

type parsed struct {
	time, memory uint32
	threads      uint8
	salt, sum    []byte
}

// parse reads what Hash wrote. Costs beyond the limits are refused, since whoever can
// write a hash could stop the server with them, and none that fits maxHashMemory waits for ever.
func parse(hash string) (p parsed, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return p, fmt.Errorf("%w: no hash of argon2id", surveys.ErrInvalid)
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, fmt.Errorf("%w: a hash of another version of argon2", surveys.ErrInvalid)
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil {
		return p, fmt.Errorf("%w: a hash without its costs", surveys.ErrInvalid)
	}
	if p.memory < 8 || p.memory > maxHashMemory || p.time < 1 || p.time > 20 || p.threads < 1 || p.threads > 16 {
		return p, fmt.Errorf("%w: a hash with costs out of reason", surveys.ErrInvalid)
	}
	if p.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil {
		return p, err
	}
	if p.sum, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err == nil && (len(p.sum) < 16 || len(p.sum) > 64) {
		err = fmt.Errorf("%w: a hash of another length", surveys.ErrInvalid)
	}
	return p, err
}
