package engine

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
)

// encode writes a block with ch-go, which is an implementation of the format
// that is not ours.
func encode(t *testing.T, revision int) []byte {
	t.Helper()
	answers := proto.NewMap(new(proto.ColStr).LowCardinality(), new(proto.ColUInt32).Array())
	notes := proto.NewArray(new(proto.ColStr).Nullable())
	levels := new(proto.ColStr).LowCardinality()
	var ids proto.ColUInt64
	for i := range uint64(300) { // more than one byte can number
		ids.Append(i)
		answers.Append(map[string][]uint32{strings.Repeat("q", int(i)): {1, 2}})
		notes.Append([]proto.Nullable[string]{proto.NewNullable("a"), proto.Null[string]()})
		levels.Append(strings.Repeat("l", int(i)))
	}
	input := []proto.InputColumn{{Name: "id", Data: ids}, {Name: "题", Data: answers}, {Name: "notes", Data: notes}, {Name: "level", Data: levels}}
	var b proto.Buffer
	block := proto.Block{Info: proto.BlockInfo{BucketNum: -1}, Columns: len(input), Rows: 300}
	if err := block.EncodeBlock(&b, revision, input); err != nil {
		t.Fatal(err)
	}
	return b.Buf
}

func TestFrameMakesBlocksOfTheClientsRevision(t *testing.T) {
	for _, revision := range []int{0, revisionBlockInfo, revisionCustomSerialization, 54460} {
		f := framer{revision: revision}
		two := append(encode(t, 0), encode(t, 0)...)
		got, err := f.frame(nil, two)
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.Repeat(encode(t, revision), 2)
		if !bytes.Equal(got, want) || len(f.rest) != 0 {
			t.Errorf("revision %d: %d bytes with %d left over, want the %d bytes that ch-go writes", revision, len(got), len(f.rest), len(want))
		}
	}
}

func TestFrameTakesBlocksInPieces(t *testing.T) {
	block, want := encode(t, 0), encode(t, 54460)
	for _, size := range []int{997, 4096, len(block) - 1} {
		f := framer{revision: 54460}
		var got []byte
		for rest := block; len(rest) > 0; {
			n := min(size, len(rest))
			var err error
			if got, err = f.frame(got, rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if !bytes.Equal(got, want) {
			t.Errorf("in pieces of %d bytes: %d bytes, want %d", size, len(got), len(want))
		}
	}
}

func TestTypesWhoseLayoutIsNotKnownAreRefused(t *testing.T) {
	for _, kind := range []string{"AggregateFunction(uniq, UInt8)", "Dynamic", "JSON", "Variant(String, UInt8)", "Array(Dynamic)", "FixedString(x)", ""} {
		if _, err := parseType(kind); err == nil {
			t.Errorf("parseType(%q) succeeded", kind)
		}
	}
}

func TestTypesWithArguments(t *testing.T) {
	for kind, width := range map[string]int{
		"FixedString(6)": 6, "Decimal(9, 2)": 4, "Decimal(18, 2)": 8, "Decimal(38, 2)": 16, "Decimal(76, 2)": 32,
		"DateTime64(3, 'Asia/Shanghai')": 8, "Enum8('a,(' = 1, 'b\\'' = 2)": 1, "IntervalDay": 8,
		"SimpleAggregateFunction(sum, UInt32)": 4,
	} {
		got, err := parseType(kind)
		if err != nil || got.name != fixed || got.width != width {
			t.Errorf("parseType(%q) = %+v, %v, want %d bytes", kind, got, err, width)
		}
	}
	got, err := parseType("Tuple(a String, `b c` Array(Tuple(x UInt8, y Nullable(String))), Map(String, UInt16))")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.of) != 3 || got.of[0].name != "String" || got.of[1].of[0].of[1].name != "Nullable" || got.of[2].of[1].width != 2 {
		t.Errorf("parseType of a tuple = %+v", got)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add([]byte("\x01\x01\x01a\x16LowCardinality(String)\x01\x00\x00\x00\x00\x00\x00\x00\x00\x06"))
	f.Add([]byte("\x01\x03\x01a\x05UInt8abc"))
	f.Fuzz(func(t *testing.T, piece []byte) {
		fr := framer{revision: 54460}
		out, err := fr.frame(nil, piece)
		if err == nil && len(fr.rest) == 0 && len(out) < len(piece) {
			t.Errorf("%d bytes became %d", len(piece), len(out))
		}
	})
}
