package server

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/fieldwork"
	"github.com/suyang-survey/suyang/internal/secret"
)

// CaseLink returns the path of the personal link of a sampled case; key is the
// Config.Key of the server that will serve it, issue that of drafts.Store.Issue.
func CaseLink(key []byte, waveID, caseID string, issue uint32) string {
	return newLinks(key).path(waveID, caseID, issue)
}

// links makes and reads the personal links of sampled cases. A link is the case's
// ID and a 128-bit code that only the holder of the key can make, so it needs no
// table, and a forged one is refused before anything else is done. A link that was
// replaced has another number of issue.
type links struct {
	codes, interviews []byte
}

// newLinks derives the keys of the links from the secret of the installation.
func newLinks(key []byte) *links {
	return &links{codes: secret.For(key, "case link"), interviews: secret.For(key, "case interview")}
}

// codeBytes is the length of a link's code.
const codeBytes = 16

// path returns the path of the link of a case in a wave.
func (l *links) path(waveID, caseID string, issue uint32) string {
	token := append([]byte(caseID), l.code(waveID, caseID, issue)...)
	return "/i/" + text64.EncodeToString(token)
}

// caseOf returns the wave and the case of a personal link's token.
func (s *Server) caseOf(ctx context.Context, token string) (*wave, string, error) {
	raw, err := text64.DecodeString(token)
	if err != nil || len(raw) <= codeBytes || len(raw) > codeBytes+fieldwork.MaxID {
		return nil, "", errLink
	}
	caseID, code := string(raw[:len(raw)-codeBytes]), raw[len(raw)-codeBytes:]
	for _, w := range s.order() {
		issue, err := s.deps.Drafts.Issue(ctx, w.ID, caseID)
		if err != nil {
			return nil, "", err
		}
		if hmac.Equal(code, s.links.code(w.ID, caseID, issue)) {
			return w, caseID, nil
		}
		for old := range min(issue, maxIssues) {
			if hmac.Equal(code, s.links.code(w.ID, caseID, old)) {
				return nil, "", errReplaced
			}
		}
	}
	return nil, "", errLink
}

// maxIssues is how many replaced links of a case are told from forged ones.
const maxIssues = 20

func (l *links) code(waveID, caseID string, issue uint32) []byte {
	if issue > 0 {
		return mac(l.codes, fmt.Sprintf("%s\x00%d", waveID, issue), caseID)[:codeBytes]
	}
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
