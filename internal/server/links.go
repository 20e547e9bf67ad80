package server

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"
)

// CaseLink returns the path of the personal link of a sampled case; key is the
// Config.Key of the server that will serve it.
func CaseLink(key []byte, waveID, caseID string) string {
	return newLinks(key).path(waveID, caseID)
}

// links makes and reads the personal links of sampled cases. A link is the case's
// ID and a 128-bit code that only the holder of the key can make, so it needs no
// table, and a forged one is refused before anything else is done.
type links struct {
	codes, interviews []byte
}

// newLinks derives the keys of the links from the secret of the installation.
func newLinks(key []byte) *links {
	return &links{codes: subkey(key, "case link"), interviews: subkey(key, "case interview")}
}

// codeBytes is the length of a link's code.
const codeBytes = 16

// path returns the path of the link of a case in a wave.
func (l *links) path(waveID, caseID string) string {
	token := append([]byte(caseID), l.code(waveID, caseID)...)
	return "/i/" + text64.EncodeToString(token)
}

// open returns the wave and the case of a link's token; ok is false when the link
// belongs to none of the waves.
func (l *links) open(token string, waves []*wave) (w *wave, caseID string, ok bool) {
	raw, err := text64.DecodeString(token)
	if err != nil || len(raw) <= codeBytes {
		return nil, "", false
	}
	caseID, code := string(raw[:len(raw)-codeBytes]), raw[len(raw)-codeBytes:]
	for _, w := range waves {
		if hmac.Equal(code, l.code(w.ID, caseID)) {
			return w, caseID, true
		}
	}
	return nil, "", false
}

func (l *links) code(waveID, caseID string) []byte {
	return mac(l.codes, waveID, caseID)[:codeBytes]
}

// interviewID returns the ID of the one interview of a case: starting it twice
// gives the same submission twice, not two submissions.
func (l *links) interviewID(waveID, caseID string) string {
	id := uuid.UUID(mac(l.interviews, waveID, caseID)[:16])
	id[6] = id[6]&0x0f | 0x80 // version 8: made by a rule of our own (RFC 9562, 5.8)
	id[8] = id[8]&0x3f | 0x80 // variant of RFC 9562
	return id.String()
}

// mac authenticates the two strings; the length keeps ("a", "bc") and ("ab", "c") apart.
func mac(key []byte, waveID, caseID string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(waveID))))
	h.Write([]byte(waveID))
	h.Write([]byte(caseID))
	return h.Sum(nil)
}

// subkey derives the key for one use from the secret of the installation.
func subkey(key []byte, use string) []byte {
	k, err := hkdf.Key(sha256.New, key, nil, "suyang/1 "+use, 32)
	if err != nil {
		panic(fmt.Sprintf("server: deriving a key: %v", err)) // only for an impossible length
	}
	return k
}
