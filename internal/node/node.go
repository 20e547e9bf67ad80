// Package node lets several nodes work as one installation. Collectors take interviews, each
// into a log of its own; the office publishes the waves. A collector gets the waves from the
// office, the office reads the logs of the collectors, and a collector may keep a copy of
// another one's log, so that what was acknowledged is on two disks. What is in quarantine at a
// collector is decided about at the office, and the collector carries it out.
//
// Nodes know one another by the secret of the installation, from which a bearer token is
// derived. Nothing here knows what a record of the log means, or which decision is right: that
// is the intake's.
package node

import (
	"crypto/hmac"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/suyang-survey/suyang/internal/secret"
)

// Token is what nodes of the installation with this secret say to one another.
func Token(key []byte) string { return hex.EncodeToString(secret.For(key, "node")) }

// allowed says whether a request comes from a node of the installation.
func allowed(r *http.Request, token string) bool {
	said, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && hmac.Equal([]byte(said), []byte(token))
}
