package clickhouse

import (
	"errors"
	"fmt"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/suyang-survey/suyang/internal/intake"
	"github.com/suyang-survey/suyang/surveys"
)

// A block of one wave is one part, so that it is stored whole or not at all.
func TestABlockIsOnePart(t *testing.T) {
	s := open(t)
	if err := s.conn.Exec(t.Context(), "SYSTEM STOP MERGES responses"); err != nil {
		t.Fatal(err)
	}
	var block []surveys.Response
	for n := range 10_000 {
		block = append(block, response("w", "a", uint64(n+1), surveys.Answers{"K01": {"a"}}))
	}
	put(t, s, "1-1-10000", block...)
	var parts, rows uint64
	err := s.conn.QueryRow(t.Context(), "SELECT count(), sum(rows) FROM system.parts WHERE active AND table = 'responses' AND database = currentDatabase()").Scan(&parts, &rows)
	if err != nil || parts != 1 || rows != 10_000 {
		t.Errorf("the block is in %d parts of %d rows (%v), want 1 of 10000", parts, rows, err)
	}
}

// A store that lost a block drops the block when it is sent again under the same token,
// which is why the intake never does.
func TestALostBlockNeedsANewToken(t *testing.T) {
	s := open(t)
	r := response("w", "a", 1, nil)
	put(t, s, "first", r)
	if err := s.conn.Exec(t.Context(), "ALTER TABLE responses DELETE WHERE 1 SETTINGS mutations_sync = 2"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		token string
		want  uint64
	}{{"first", 0}, {"second", 1}} {
		put(t, s, c.token, r)
		if n, _, err := s.Count(t.Context(), 1, 1, 1); err != nil || n != c.want {
			t.Errorf("%d records are stored after the token %q (%v), want %d", n, c.token, err, c.want)
		}
	}
}

// What the engine says when it cannot take an insert tells the intake what to do.
func TestInsertSaysWhereTheFaultLies(t *testing.T) {
	block := intake.Block{Token: "1", Responses: []surveys.Response{response("w", "a", 1, nil)}}
	s := open(t)
	for _, c := range []struct {
		name, before string
		want         error
	}{
		{"a row that breaks a rule of the table", "ALTER TABLE responses ADD CONSTRAINT c CHECK revision > 0", intake.ErrRefused},
		{"too many parts", "ALTER TABLE responses DROP CONSTRAINT c, MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1", intake.ErrBusy},
		{"no table", "DROP TABLE responses", surveys.ErrNotFound},
	} {
		if err := s.conn.Exec(t.Context(), c.before); err != nil {
			t.Fatal(c.name, err)
		}
		var err error
		for n := 0; n < 3 && err == nil; n++ { // the first parts may still go in
			block.Token = fmt.Sprint(c.name, n)
			err = s.Insert(t.Context(), block)
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error = %v, want one that is %q", c.name, err, c.want)
		}
	}
	for code, want := range map[int32]error{241: surveys.ErrTooLarge, 243: intake.ErrBusy, 60: intake.ErrBusy, 117: intake.ErrRefused} {
		exception := &clickhouse.Exception{Code: code}
		if err := blame(exception, explain("insert", exception)); !errors.Is(err, want) {
			t.Errorf("exception %d is %v, want %q", code, err, want)
		}
	}
	unknown := &clickhouse.Exception{Code: 49}
	if err := blame(unknown, explain("insert", unknown)); errors.Is(err, intake.ErrBusy) || errors.Is(err, intake.ErrRefused) {
		t.Errorf("a bug of the store is blamed: %v", err)
	}
}

// The order of keys is kept from one map to the next only where it is the same.
func TestKeyOrder(t *testing.T) {
	var o keyOrder
	for _, m := range []map[string][]string{
		{"b": nil, "a": nil}, {"a": nil, "b": nil}, {"a": nil, "c": nil}, {"c": nil}, {}, {"c": nil, "b": nil, "a": nil},
	} {
		want := fmt.Sprint((&keyOrder{}).of(m))
		if got := fmt.Sprint(o.of(m)); got != want {
			t.Errorf("keys of %v are %s, want %s", m, got, want)
		}
	}
}
