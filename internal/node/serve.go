package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/suyang-survey/suyang/internal/intake/wal"
	"github.com/suyang-survey/suyang/surveys"
)

// Log is a log that can be read; a wal.Log is one.
type Log interface {
	Read(from uint64) iter.Seq2[wal.Record, error]
}

// Service is what a node does for the others. Parts that it does not do are nil.
type Service struct {
	Token string
	// Waves returns what is published, and a tag that changes with it; of the office.
	Waves func(context.Context) (bundle []byte, tag string, err error)
	// Number and Log are those of the node, Stored says how far its log is in the store; of a
	// collector.
	Number uint16
	Log    Log
	Stored func() uint64
	// Head is the end of the chain of the node's log.
	Head func() wal.Head
	// Quarantine is what the node has accepted and does not count; of a collector.
	Quarantine Quarantine
	// Copies are the copies of other nodes' logs that the node keeps.
	Copies *Copies
	// Logger gets what failed; nil means slog.Default().
	Logger *slog.Logger
}

// The limits of one page of a log.
const (
	pageRecords = 2000
	pageBytes   = 4 << 20
	// copyBytes is the largest body that is taken: a page with one record more.
	copyBytes = pageBytes + wal.MaxBody + 1<<10
)

// The headers of a page.
const (
	headerNode   = "Suyang-Node"
	headerUpTo   = "Suyang-Up-To"
	headerStored = "Suyang-Stored"
	headerHead   = "Suyang-Head"
)

// mediaRecords is the type of records as wal.AppendRecord writes them.
const mediaRecords = "application/vnd.suyang.records"

// Handler answers below /v1/node/.
func (s *Service) Handler() http.Handler {
	m := http.NewServeMux()
	handle := func(pattern string, there bool, h func(http.ResponseWriter, *http.Request) error) {
		if there {
			m.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, h) })
		}
	}
	handle("GET /v1/node/waves", s.Waves != nil, s.waves)
	handle("GET /v1/node/log", s.Log != nil, s.log)
	handle("GET /v1/node/quarantine", s.Quarantine != nil, s.quarantine)
	handle("GET /v1/node/quarantine/{node}/{seq}", s.Quarantine != nil, s.quarantined)
	handle("POST /v1/node/quarantine/{node}/{seq}", s.Quarantine != nil, s.decide)
	handle("GET /v1/node/copies/{node}", s.Copies != nil, s.copyState)
	handle("POST /v1/node/copies/{node}", s.Copies != nil, s.copyTake)
	handle("GET /v1/node/copies/{node}/log", s.Copies != nil, s.copyLog)
	return m
}

// answer checks who asks, and says what went wrong.
func (s *Service) answer(w http.ResponseWriter, r *http.Request, h func(http.ResponseWriter, *http.Request) error) {
	w.Header().Set("Cache-Control", "no-store")
	if !allowed(r, s.Token) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "this is for nodes of the installation; they share the file “key” of the state folder", http.StatusUnauthorized)
		return
	}
	err := h(w, r)
	if err == nil || r.Context().Err() != nil {
		return
	}
	logger := s.Logger
	if logger == nil {
		logger = slog.Default()
	}
	status := statusOf(err)
	if status >= http.StatusInternalServerError {
		logger.Warn("a node was not answered", "asked", r.Pattern, "cause", err)
	}
	http.Error(w, err.Error(), status)
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, surveys.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, surveys.ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, surveys.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, surveys.ErrConflict):
		return http.StatusConflict
	case errors.Is(err, surveys.ErrUnavailable):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// waves gives a collector what is published, unless it has that already.
func (s *Service) waves(w http.ResponseWriter, r *http.Request) error {
	bundle, tag, err := s.Waves(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("ETag", strconv.Quote(tag))
	w.Header().Set("Cache-Control", "private, no-cache")
	if r.Header.Get("If-None-Match") == strconv.Quote(tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(bundle)
	return err
}

// log gives a page of the node's own log.
func (s *Service) log(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set(headerNode, strconv.Itoa(int(s.Number)))
	if s.Stored != nil {
		w.Header().Set(headerStored, strconv.FormatUint(s.Stored(), 10))
	}
	if s.Head != nil {
		w.Header().Set(headerHead, s.Head().String())
	}
	return sendPage(w, r, s.Log)
}

// sendPage sends the records of a log after a place. The header Suyang-Up-To says which
// number they reach to, also when the last ones before it are damaged.
func sendPage(w http.ResponseWriter, r *http.Request, log Log) error {
	after, err := number(r.FormValue("after"))
	if err != nil {
		return fmt.Errorf("after: %w", err)
	}
	records, upTo, err := readPage(log, after)
	if err != nil {
		return err
	}
	var body []byte
	for _, rec := range records {
		body = wal.AppendRecord(body, rec)
	}
	w.Header().Set(headerUpTo, strconv.FormatUint(upTo, 10))
	w.Header().Set("Content-Type", mediaRecords)
	_, err = w.Write(body)
	return err
}

// readPage reads the records after a place, as many as a page has at most. Damaged ranges
// are passed over.
func readPage(log Log, after uint64) (list []wal.Record, upTo uint64, err error) {
	upTo = after
	bytes := 0
	for r, err := range log.Read(after + 1) {
		var damage *wal.Damage
		if errors.As(err, &damage) {
			upTo = max(upTo, damage.To)
			continue
		}
		if err != nil {
			return nil, 0, fmt.Errorf("read the log: %w: %w", surveys.ErrUnavailable, err)
		}
		if bytes += len(r.Body); len(list) > 0 && bytes > pageBytes {
			break
		}
		list, upTo = append(list, r), r.Seq
		if len(list) == pageRecords {
			break
		}
	}
	return list, upTo, nil
}

func number(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%q is no number: %w", text, surveys.ErrInvalid)
	}
	return n, nil
}

// nodeOf is the node in the address.
func nodeOf(r *http.Request) (uint16, error) {
	n, err := strconv.ParseUint(r.PathValue("node"), 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is no number of a node: %w", r.PathValue("node"), surveys.ErrInvalid)
	}
	return uint16(n), nil
}

// copyState says how far the copy of a node's log is.
func (s *Service) copyState(w http.ResponseWriter, r *http.Request) error {
	n, err := nodeOf(r)
	if err != nil {
		return err
	}
	upTo, mark, err := s.Copies.State(n)
	if err != nil {
		return err
	}
	w.Header().Set(headerUpTo, strconv.FormatUint(upTo, 10))
	_, err = io.WriteString(w, mark)
	return err
}

// copyTake appends records to the copy of a node's log, and answers when they are durable.
func (s *Service) copyTake(w http.ResponseWriter, r *http.Request) error {
	n, err := nodeOf(r)
	if err != nil {
		return err
	}
	after, err := number(r.URL.Query().Get("after"))
	if err != nil {
		return fmt.Errorf("after: %w", err)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, copyBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return fmt.Errorf("records of more than %d bytes: %w", copyBytes, surveys.ErrTooLarge)
	case err != nil:
		return fmt.Errorf("the records ended early: %w: %w", surveys.ErrInvalid, err)
	}
	records, err := wal.ReadRecords(body)
	if err != nil {
		return err
	}
	upTo, err := s.Copies.Take(r.Context(), n, after, r.URL.Query().Get("mark"), records)
	if err != nil {
		return err
	}
	w.Header().Set(headerUpTo, strconv.FormatUint(upTo, 10))
	return nil
}

// copyLog gives a page of the copy of a node's log.
func (s *Service) copyLog(w http.ResponseWriter, r *http.Request) error {
	n, err := nodeOf(r)
	if err != nil {
		return err
	}
	log, err := s.Copies.Log(n)
	if err != nil {
		return err
	}
	w.Header().Set(headerNode, strconv.Itoa(int(n)))
	return sendPage(w, r, log)
}
