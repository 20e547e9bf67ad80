// Package clickhouse is the store: responses, samples and weights in ClickHouse,
// and the sums that statistics are made from. It speaks ClickHouse's HTTP interface, be it
// that of the embedded engine, of a server or of a cluster.
//
// Open a Store and Migrate it once; then intake inserts into it and package assess
// asks it for cells. Standard errors are not its business.
package clickhouse

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/internal/assess"
	"github.com/suyang-survey/suyang/internal/clickhouse/columnar"
	"github.com/suyang-survey/suyang/internal/intake"
)

// The store is what these packages ask for.
var (
	_ intake.Store  = (*Store)(nil)
	_ assess.Source = (*Store)(nil)
)

// Config says which ClickHouse to use.
type Config struct {
	// DSN is the address of its HTTP interface: http://user:password@host:8123/database, or
	// https://. The DSN of the embedded engine comes from package engine.
	DSN string
}

const (
	dialTimeout = 10 * time.Second
	readTimeout = time.Hour // the scan behind a report; the context ends it sooner
)

// Store keeps what was accepted, drawn and weighed. It is safe for concurrent use.
type Store struct {
	conn    driver.Conn
	address string
	portion uint64 // about how many responses are read at a time
	listed  int    // how many hashes a query lists
}

// Connect prepares for using ClickHouse, which need not answer yet.
func Connect(c Config) (*Store, error) {
	opt, err := clickhouse.ParseDSN(c.DSN)
	if err != nil {
		// The error of the parser may quote the password.
		return nil, errors.New("the address of ClickHouse cannot be read; write it as http://user:password@host:8123/database")
	}
	if opt.Protocol != clickhouse.HTTP {
		return nil, fmt.Errorf("%s is not the address of ClickHouse's HTTP interface; write it as http://user:password@host:8123/database, with the port of that interface", strings.Join(opt.Addr, ", "))
	}
	opt.DialTimeout = dialTimeout
	opt.ReadTimeout = readTimeout
	opt.TransportFunc = columnar.Transport
	conn, err := clickhouse.Open(opt)
	if err != nil {
		return nil, explain("connect to ClickHouse", err)
	}
	return &Store{conn: conn, address: strings.Join(opt.Addr, ", "), portion: portion, listed: mostListed}, nil
}

// Open connects to ClickHouse and asks it for a sign of life.
func Open(ctx context.Context, c Config) (*Store, error) {
	s, err := Connect(c)
	if err != nil {
		return nil, err
	}
	if err := s.conn.Ping(ctx); err != nil {
		s.conn.Close()
		return nil, explain("connect to ClickHouse at "+s.address, err)
	}
	return s, nil
}

// Close ends all connections.
func (s *Store) Close() error { return s.conn.Close() }

// Ping reports why the store does not answer; nil when it does.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.conn.Ping(ctx); err != nil {
		return fmt.Errorf("ask ClickHouse whether it is there: %w", err)
	}
	return nil
}

//go:embed sql/*.sql
var sqlFiles embed.FS

// statement is the text of sql/<name>.sql.
func statement(name string) string {
	b, err := sqlFiles.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic("clickhouse: " + err.Error())
	}
	return strings.TrimSpace(string(b))
}

// arguments are the values of a query by the names of its parameters. They never
// become part of its text.
type arguments map[string]any

// with has one more argument.
func (a arguments) with(name string, value any) arguments {
	all := maps.Clone(a)
	all[name] = value
	return all
}

// query runs sql/<name>.sql and calls scan for each row.
func (s *Store) query(ctx context.Context, name string, args arguments, scan func(driver.Rows) error) error {
	return s.queryText(ctx, statement(name), args, scan)
}

// queryText runs a composed query and calls scan for each row.
func (s *Store) queryText(ctx context.Context, text string, args arguments, scan func(driver.Rows) error) error {
	named := make([]any, 0, len(args))
	for name, value := range args {
		named = append(named, clickhouse.Named(name, value))
	}
	rows, err := s.conn.Query(ctx, text, named...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// insert sends the rows that fill appends as one insert.
func (s *Store) insert(ctx context.Context, name string, fill func(driver.Batch) error) error {
	batch, err := s.conn.PrepareBatch(ctx, statement(name))
	if err != nil {
		return err
	}
	defer batch.Close()
	if err := fill(batch); err != nil {
		return err
	}
	return batch.Send()
}

// strings lists the single text column of sql/<name>.sql.
func (s *Store) strings(ctx context.Context, name string, args arguments) ([]string, error) {
	var list []string
	err := s.query(ctx, name, args, func(rows driver.Rows) error {
		var v string
		err := rows.Scan(&v)
		list = append(list, v)
		return err
	})
	return list, err
}
