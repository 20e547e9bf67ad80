package clickhouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"github.com/suyang-survey/suyang/internal/intake"
)

// Records calls yield for the different records of a node with from <= seq <= to, by seq,
// submission and revision, until it returns an error.
func (s *Store) Records(ctx context.Context, node uint16, from, to uint64, yield func(intake.StoredRecord) error) error {
	var r intake.StoredRecord
	var id uuid.UUID
	var hash string
	var stopped error
	err := s.query(ctx, "records", arguments{"node": node, "from": from, "to": to}, func(rows driver.Rows) error {
		if err := rows.Scan(&r.Seq, &id, &r.Revision, &hash); err != nil {
			return err
		}
		r.ID = id
		copy(r.BodyHash[:], hash)
		stopped = yield(r)
		return stopped
	})
	if stopped != nil {
		return stopped
	}
	return explain(fmt.Sprintf("read the records %d to %d of node %d", from, to, node), err)
}

// Erase removes all responses of a node, and returns when they are gone. Samples, weights
// and standings stay.
func (s *Store) Erase(ctx context.Context, node uint16) error {
	doing := fmt.Sprintf("erase the responses of node %d", node)
	var others uint64
	args := arguments{"node": node}
	if err := s.query(ctx, "other_nodes", args, func(rows driver.Rows) error { return rows.Scan(&others) }); err != nil {
		return explain(doing, err)
	}
	if others == 0 {
		return explain(doing, s.conn.Exec(ctx, statement("erase_all")))
	}
	return explain(doing, s.conn.Exec(ctx, statement("erase_node"), clickhouse.Named("node", node)))
}

// checkedColumns are the columns of a response, with those that are made from others.
var checkedColumns = strings.Join([]string{
	"wave", "node", "seq", "submission_id", "revision", "survey", "version", "case_id", "mode", "lang", "started", "finished", "received",
	"body_hash", "check_number", "toString(answers)", "booklet", "partial", "last", "paradata", "toString(inclusion)", "toString(codes)", "toString(numbers)", "toString(choices)",
}, ", ")

// Checksum counts the responses of a node, and sums up all their columns: the same responses
// have the same sum, in whatever order and parts they lie.
func (s *Store) Checksum(ctx context.Context, node uint16) (n uint64, sum string, err error) {
	var a, b uint64
	text := compose("checksum", map[string]string{"columns": checkedColumns})
	err = s.queryText(ctx, text, arguments{"node": node}, func(rows driver.Rows) error { return rows.Scan(&n, &a, &b) })
	return n, fmt.Sprintf("%016x%016x", a, b), explain(fmt.Sprintf("sum up the responses of node %d", node), err)
}
