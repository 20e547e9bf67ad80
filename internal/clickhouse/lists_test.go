package clickhouse

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/suyang-survey/suyang/surveys"
)

// A state that is cut off, too long, or of numbers of another size is refused, not read.
func TestUncount(t *testing.T) {
	state := func(n uint64, bytes int) []byte { return append(binary.AppendUvarint(nil, n), make([]byte, bytes)...) }
	for _, c := range []struct {
		state []byte
		size  int
		want  int // -1: refused
	}{
		{state(0, 0), 8, 0}, {state(3, 24), 8, 3}, {state(300, 600), 2, 300},
		{nil, 8, -1}, {[]byte{0x80}, 8, -1}, {state(3, 23), 8, -1}, {state(3, 25), 8, -1}, {state(3, 24), 4, -1},
		{state(1<<63, 24), 8, -1}, {state(1<<61, 0), 8, -1},
	} {
		b, n, err := uncount(c.state, c.size)
		if c.want < 0 {
			if !errors.Is(err, surveys.ErrInvalid) {
				t.Errorf("%x: %d numbers, error %v", c.state, n, err)
			}
			continue
		}
		if err != nil || n != c.want || len(b) != c.want*c.size {
			t.Errorf("%x: %d numbers in %d bytes, %v", c.state, n, len(b), err)
		}
	}
}

// Answers that stand beside the case of somebody else are seen.
func TestAnswersOfAnotherCase(t *testing.T) {
	c := chunk{people: 2}
	for i, hash := range []uint64{0xaaaa1111, 0xbbbb2222} {
		c.cases = binary.LittleEndian.AppendUint64(c.cases, hash)
		c.records = binary.LittleEndian.AppendUint64(c.records, uint64(i))
		c.lengths = binary.LittleEndian.AppendUint32(c.lengths, 2)
		c.given = binary.LittleEndian.AppendUint16(c.given, uint16(hash))
		c.given = binary.LittleEndian.AppendUint16(c.given, uint16(i+1))
	}
	var seen []uint16
	if err := c.each(snapshot{superseded: map[uint64]bool{1: true}}, func(_, from, _ int) { seen = append(seen, c.given.u16(from)) }); err != nil || len(seen) != 1 || seen[0] != 1 {
		t.Errorf("%v, %v", seen, err)
	}
	c.given[4], c.given[5] = 0x11, 0x11
	if err := c.each(snapshot{}, func(int, int, int) {}); !errors.Is(err, errUneven) {
		t.Errorf("answers of another case: %v", err)
	}
}
