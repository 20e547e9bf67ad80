package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/suyang-survey/suyang/surveys"
)

// queryColumns runs a query whose answer has many rows, and takes it by columns: reading
// millions of rows one by one takes longer than adding them up. It calls do with the number of
// rows of each block when the columns have those of it. What do takes away, it leaves empty.
func (s *Store) queryColumns(ctx context.Context, text string, args arguments, columns proto.Results, do func(rows int) error) error {
	t := &taking{query: text, columns: columns, do: do}
	err := s.queryText(context.WithValue(ctx, takingKey{}, t), text, args, func(driver.Rows) error { return nil })
	switch {
	case t.err != nil:
		return t.err
	case err == nil && !t.answered:
		return errors.New("the answer of ClickHouse did not come by columns; give the address of its HTTP interface, http://user:password@host:8123/database")
	}
	return err
}

// taking is how the answer to a query is taken by columns.
type taking struct {
	query   string
	columns proto.Results
	do      func(rows int) error
	err     error
	// answered says that there was an answer.
	answered bool
}

type takingKey struct{}

// columnTransport sends the requests of the client of ClickHouse. Of a query that is taken by
// columns, it reads the answer itself, and the client sees an empty one.
type columnTransport struct{ http.RoundTripper }

// RoundTrip sends a request.
func (c columnTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	t, _ := request.Context().Value(takingKey{}).(*taking)
	if t == nil || !t.isAskedBy(request) {
		return c.RoundTripper.RoundTrip(request)
	}
	// The plain form of blocks has no columns of a form of their own.
	request = request.Clone(request.Context())
	parameters := request.URL.Query()
	parameters.Set("client_protocol_version", "0")
	request.URL.RawQuery = parameters.Encode()
	response, err := c.RoundTripper.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusOK {
		return response, err
	}
	defer response.Body.Close()
	t.answered = true
	last := &lastBytes{from: response.Body}
	in := proto.NewReader(last)
	if parameters.Get("compress") == "1" {
		in.EnableCompression()
	}
	if t.err = t.read(in); t.err != nil {
		if e := last.exception(); e != nil {
			t.err = e
		}
	}
	response.Body, response.ContentLength = http.NoBody, 0
	return response, nil
}

// isAskedBy says whether a request is for the query: the client may have questions of its own
// before.
func (t *taking) isAskedBy(request *http.Request) bool {
	if request.GetBody == nil || request.ContentLength != int64(len(t.query)) {
		return false
	}
	body, err := request.GetBody()
	if err != nil {
		return false
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	return err == nil && string(text) == t.query
}

// read takes the blocks of an answer.
func (t *taking) read(in *proto.Reader) error {
	for {
		columns, err := in.UVarInt()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		rows, err := in.Int()
		if err == nil {
			err = t.columns.DecodeResult(in, 0, proto.Block{Columns: int(columns), Rows: rows})
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fmt.Errorf("the answer of ClickHouse breaks off or is not what was asked for: %w", err)
		}
		if err := t.do(rows); err != nil {
			return err
		}
	}
}

// lastBytes keeps the last bytes that were read: when ClickHouse fails after it began to
// answer, it says why behind what it has written.
type lastBytes struct {
	from io.Reader
	kept []byte
}

// mostKept is longer than what ClickHouse says.
const mostKept = 32 << 10

func (l *lastBytes) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	l.kept = append(l.kept, p[max(0, n-mostKept):n]...)
	if over := len(l.kept) - mostKept; over > mostKept {
		l.kept = append(l.kept[:0], l.kept[over:]...)
	}
	return n, err
}

var exceptionText = regexp.MustCompile(`Code: (\d+)\. (DB::\w*Exception: [^\x00\n]*)`)

// exception is what ClickHouse says at the end of its answer, if anything.
func (l *lastBytes) exception() error {
	io.Copy(io.Discard, io.LimitReader(l, 1<<20))
	found := exceptionText.FindSubmatch(l.kept)
	if found == nil {
		return nil
	}
	code, err := strconv.ParseInt(string(found[1]), 10, 32)
	if err != nil {
		return nil
	}
	return &clickhouse.Exception{Code: int32(code), Name: "DB::Exception", Message: string(found[2])}
}

// lowLists is a column of lists of values, of which few are different: Array(LowCardinality(T)).
// The values of a block stand in a list of their own, and the lists have their places there.
type lowLists struct {
	ends   proto.ColUInt64 // of the list of each row, among all
	values proto.ColLowCardinalityRaw
}

func lowListsOf(of proto.Column) *lowLists {
	return &lowLists{values: proto.ColLowCardinalityRaw{Index: of}}
}

// Type is that of the column.
func (l *lowLists) Type() proto.ColumnType { return proto.ColumnTypeArray.Sub(l.values.Type()) }

// Rows is how many lists there are.
func (l *lowLists) Rows() int { return len(l.ends) }

// Reset forgets all lists.
func (l *lowLists) Reset() {
	l.ends.Reset()
	l.values.Reset()
}

// DecodeState reads what stands before the column.
func (l *lowLists) DecodeState(in *proto.Reader) error { return l.values.DecodeState(in) }

// DecodeColumn reads the column.
func (l *lowLists) DecodeColumn(in *proto.Reader, rows int) error {
	if err := l.ends.DecodeColumn(in, rows); err != nil {
		return err
	}
	before := uint64(0)
	for _, end := range l.ends {
		if end < before {
			return errLists
		}
		before = end
	}
	if before > maxValues {
		return errLists
	}
	if err := l.values.DecodeColumn(in, int(before)); err != nil {
		return err
	}
	if l.values.Rows() != int(before) {
		return errLists
	}
	return l.check()
}

// maxValues is how many values the lists of a block may have.
const maxValues = 1 << 31

var errLists = fmt.Errorf("%w: ClickHouse wrote lists whose lengths do not fit together; ask again", surveys.ErrConflict)

// numbered are the numbers of the different values of a column of hashes, by their places.
func (l *lowLists) numbered(by map[uint64]codeNumber) []codeNumber {
	numbers := l.noNumbers()
	for i, hash := range *l.values.Index.(*proto.ColUInt64) {
		numbers[i] = by[hash]
	}
	return numbers
}

// noNumbers has a 0 for each of the different values, and for all places that there may be where
// places have one byte or two: so none needs to be looked at whether it is one.
func (l *lowLists) noNumbers() []codeNumber {
	return make([]codeNumber, max(1<<16, l.values.Index.Rows()))
}

// put writes the numbers of the values from ≤ i < to that are not 0. It returns how many there
// are, and how many values are listed answers.
func (l *lowLists) put(into []uint16, from, to uint64, numbers []codeNumber) (n, listed int) {
	switch v := &l.values; v.Key {
	case proto.KeyUInt8:
		return putNumbers(into, v.Keys8[from:to], numbers)
	case proto.KeyUInt16:
		return putNumbers(into, v.Keys16[from:to], numbers)
	case proto.KeyUInt32:
		return putNumbers(into, v.Keys32[from:to], numbers)
	default:
		return putNumbers(into, v.Keys64[from:to], numbers)
	}
}

func putNumbers[K uint8 | uint16 | uint32 | uint64](into []uint16, places []K, numbers []codeNumber) (n, listed int) {
	into = into[:len(places)]
	for _, place := range places {
		number := numbers[place]
		into[n] = uint16(number)
		n += int((number&(listedAnswer-1) + listedAnswer - 1) >> 16) // 1 unless it is 0; a branch takes longer
		listed += int(number >> 16)
	}
	return n, listed
}

// check sees that every value is there, where that is not sure.
func (l *lowLists) check() error {
	different := uint64(l.values.Index.Rows())
	for _, k := range l.values.Keys32 {
		if uint64(k) >= different {
			return errLists
		}
	}
	for _, k := range l.values.Keys64 {
		if k >= different {
			return errLists
		}
	}
	return nil
}
