package server

import (
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/suyang-survey/suyang/surveys"
	"github.com/suyang-survey/suyang/surveys/form"
)

// state is an interview under way, as it travels sealed in the page.
type state struct {
	Interview string       `json:"i"`
	Case      string       `json:"c,omitempty"`
	Lang      surveys.Lang `json:"l"`
	Started   time.Time    `json:"s"`
	// Finished is set on the page that sends the answers, so that sending the page
	// twice makes the same interview.
	Finished time.Time `json:"f,omitzero"`
	// Sealed is when the page was made.
	Sealed time.Time `json:"p"`
	// Form is where the session is, with everything answered.
	Form form.Saved `json:"v"`
}

// The reasons why a sealed state is refused.
var (
	errSeal    = fmt.Errorf("the sealed answers are damaged: %w", surveys.ErrInvalid)
	errVersion = fmt.Errorf("the sealed answers are of another version: %w", surveys.ErrInvalid)
	errExpired = fmt.Errorf("the sealed answers have expired: %w", surveys.ErrInvalid)
)

// seal hides and authenticates states of one wave and questionnaire version, with
// AES-256-GCM under a key of its own: 2^32 pages are safe with random nonces.
//
// A sealed state is base64url of: version tag (8 bytes), nonce, ciphertext. The
// plain text is a byte that says whether it is compressed, and JSON.
type seal struct {
	aead cipher.AEAD
	tag  [8]byte
	bind []byte
	life time.Duration
}

func newSeal(key []byte, waveID, version string, life time.Duration) (*seal, error) {
	bind := waveID + "\x00" + version
	block, err := aes.NewCipher(subkey(key, "page "+bind))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	s := &seal{aead: aead, bind: []byte(bind), life: life}
	sum := sha256.Sum256(s.bind)
	copy(s.tag[:], sum[:])
	return s, nil
}

// text64 writes bytes in addresses and fields: strictly, so that one text stands
// for one run of bytes.
var text64 = base64.RawURLEncoding.Strict()

// maxState limits the answers that travel in a page, in bytes of JSON: no interview
// that the intake takes is larger. Compressed, they could otherwise grow page by page
// until a field of some kilobytes unfolds into work for seconds.
const maxState = maxBody

// compressFrom is the size of the JSON from which compressing it pays.
const compressFrom = 256

// The first byte of the plain text.
const (
	storedPlain byte = iota
	storedFlate
)

// Seal returns st as the value of a hidden field. It wraps surveys.ErrTooLarge when
// that could not be taken back.
func (s *seal) Seal(st state, now time.Time) (string, error) {
	st.Sealed = now.UTC().Truncate(time.Second)
	plain, err := json.Marshal(st)
	if err != nil {
		return "", fmt.Errorf("sealing the answers: %w", err)
	}
	if len(plain) > maxState {
		return "", fmt.Errorf("answers of %d bytes, at most %d fit into a page: %w", len(plain), maxState, surveys.ErrTooLarge)
	}
	packed := append([]byte{storedPlain}, plain...)
	if len(plain) >= compressFrom {
		packed = deflate(plain)
	}
	sealed := s.aead.Seal(append([]byte(nil), s.tag[:]...), nil, packed, s.bind)
	return text64.EncodeToString(sealed), nil
}

// Open reads a sealed state. Its error is errSeal, errVersion or errExpired.
func (s *seal) Open(sealed string, now time.Time) (state, error) {
	raw, err := text64.DecodeString(sealed)
	if err != nil || len(raw) < len(s.tag) {
		return state{}, errSeal
	}
	if !bytes.Equal(raw[:len(s.tag)], s.tag[:]) {
		return state{}, errVersion
	}
	packed, err := s.aead.Open(nil, nil, raw[len(s.tag):], s.bind)
	if err != nil {
		return state{}, errSeal
	}
	st, err := unpack(packed)
	if err != nil {
		return state{}, errSeal
	}
	if now.Sub(st.Sealed) > s.life {
		return state{}, errExpired
	}
	return st, nil
}

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	if err != nil {
		panic(err) // only for an unknown level
	}
	return w
}}

func deflate(plain []byte) []byte {
	var out bytes.Buffer
	out.WriteByte(storedFlate)
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&out)
	w.Write(plain) // a bytes.Buffer takes everything
	w.Close()
	return out.Bytes()
}

func unpack(packed []byte) (state, error) {
	if len(packed) == 0 {
		return state{}, errors.New("empty")
	}
	plain := packed[1:]
	if packed[0] == storedFlate {
		var err error
		// Only this server can have sealed it, so it is no larger than maxState.
		if plain, err = io.ReadAll(flate.NewReader(bytes.NewReader(plain))); err != nil {
			return state{}, err
		}
	}
	var st state
	err := json.Unmarshal(plain, &st)
	return st, err
}
