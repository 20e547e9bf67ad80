package clickhouse

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/suyang-survey/suyang/internal/assess"
)

// Bytes of answers taken by columns that change on the way end neither the program nor its memory: the sums
// are an error, or numbers.
func TestCorruptedAnswers(t *testing.T) {
	const rounds = 20
	s := open(t)
	w := makeUpWave(rand.New(rand.NewPCG(2, 17)), "w")
	w.store(t, s)
	target := &url.URL{Host: s.address}
	rng, one := rand.New(rand.NewPCG(3, 4)), sync.Mutex{}
	faulty := 0 // one of so many answers is changed
	between := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		r.URL.Scheme, r.URL.Host, r.Host, r.RequestURI = "http", target.Host, target.Host, ""
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return // nobody waits for it any more
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return
		}
		byColumns := r.URL.Query().Get("client_protocol_version") == "0"
		one.Lock()
		if byColumns && faulty > 0 && len(body) > 0 && rng.IntN(faulty) == 0 {
			for range 1 + rng.IntN(4) {
				body[rng.IntN(len(body))] ^= 1 << rng.IntN(8)
			}
		}
		one.Unlock()
		out.WriteHeader(answer.StatusCode)
		out.Write(body)
	}))
	defer between.Close()
	dsn := strings.TrimSuffix(shared.DSN(), "default") + databaseOf(t, s)
	through := openDSN(t, strings.Replace(dsn, target.Host, strings.TrimPrefix(between.URL, "http://"), 1))
	q := assess.Query{Wave: "w", Questionnaire: w.questionnaire, Factors: w.factors, Items: true, Shares: w.shares}
	if _, err := through.Cells(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	faults := 0
	for i := range rounds {
		one.Lock()
		faulty = 1 + i%6
		one.Unlock()
		if _, err := through.Cells(t.Context(), q); err != nil {
			faults++
		}
	}
	runtime.ReadMemStats(&after)
	if used := (after.TotalAlloc - before.TotalAlloc) / rounds; used > 400<<20 {
		t.Errorf("%d MB were allocated for each answer", used>>20)
	}
	if faults < rounds/10 {
		t.Errorf("%d of %d sums are errors, which tests little", faults, rounds)
	}
	t.Logf("%d of %d sums are errors; %d MB", faults, rounds, (after.TotalAlloc-before.TotalAlloc)>>20)
}

// databaseOf is the name of a store's database.
func databaseOf(t *testing.T, s *Store) (name string) {
	t.Helper()
	if err := s.conn.QueryRow(t.Context(), "SELECT currentDatabase()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	return name
}
