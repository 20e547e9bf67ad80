package node

import (
	"context"
	"iter"

	"github.com/suyang-survey/suyang/internal/intake/wal"
)

// Reader reads the log of the node page by page. What the node cannot read is yielded as a
// *wal.Damage, as its log has it.
func (c *Client) Reader(ctx context.Context) Log {
	return reader{func(after uint64) (Page, error) { return c.Log(ctx, after) }, c.base}
}

// CopyReader reads the copy that the node keeps of another node's log.
func (c *Client) CopyReader(ctx context.Context, of uint16) Log {
	return reader{func(after uint64) (Page, error) { return c.Copied(ctx, of, after) }, c.base}
}

type reader struct {
	page func(after uint64) (Page, error)
	name string
}

// Read yields the records from a number on.
func (r reader) Read(from uint64) iter.Seq2[wal.Record, error] {
	return func(yield func(wal.Record, error) bool) {
		for after := max(from, 1) - 1; ; {
			p, err := r.page(after)
			if err != nil {
				yield(wal.Record{}, err)
				return
			}
			if p.UpTo == after {
				return
			}
			for _, rec := range p.Records {
				if rec.Seq > after+1 && !yield(wal.Record{}, r.gap(after+1, rec.Seq-1)) || !yield(rec, nil) {
					return
				}
				after = rec.Seq
			}
			if p.UpTo > after && !yield(wal.Record{}, r.gap(after+1, p.UpTo)) {
				return
			}
			after = max(after, p.UpTo)
		}
	}
}

func (r reader) gap(from, to uint64) *wal.Damage {
	return &wal.Damage{Segment: r.name, From: from, To: to}
}
