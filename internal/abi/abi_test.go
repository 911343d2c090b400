package abi

import "testing"

func TestCursorPacksAtItsEdges(t *testing.T) {
	for _, c := range []struct {
		lap          uint32
		begun, limit uint16
	}{{0, 0, 0}, {1<<32 - 1, MaxBatch, MaxBatch}, {7, 0, MaxBatch}, {7, MaxBatch, 0}} {
		got := MakeCursor(c.lap, c.begun, c.limit)
		if got.Lap() != c.lap || got.Begun() != int(c.begun) || got.Limit() != int(c.limit) {
			t.Errorf("%+v came back as lap %d begun %d limit %d", c, got.Lap(), got.Begun(), got.Limit())
		}
	}
}

func TestRecordPacksAtItsEdges(t *testing.T) {
	for _, size := range []uint64{0, 1, MaxRecord} {
		s, c, n := Unrecord(Record(255, 254, size))
		if s != 255 || c != 254 || n != size {
			t.Errorf("size %d came back as %d %d %d", size, s, c, n)
		}
	}
}

func TestWordsHaveALineEach(t *testing.T) {
	offsets := []int{OffMagic, OffSlotTail, OffSlotHead, OffWorkFlag, OffInTail, OffInHead, OffOutTail, OffOutHead, OffRecvFlag, OffRoomFlag, OffAlive}
	for i, o := range offsets {
		if o%Line != 0 || (i > 0 && o-offsets[i-1] < Line) {
			t.Errorf("word %d at %d shares a line", i, o)
		}
	}
}

func TestPipeWordPacksAtItsEdges(t *testing.T) {
	for _, c := range []struct {
		length      int
		kind, flags uint8
	}{{0, 0, PipeAbort}, {PipeMaxChunk, PipeFileFrame, PipeFirst | PipeLast}, {1, PipeBytes, 0}} {
		length, kind, flags, ok := UnpipeWord(PipeWord(c.length, c.kind, c.flags))
		if length != c.length || kind != c.kind || flags != c.flags || !ok {
			t.Errorf("%+v came back as %d %d %d %v", c, length, kind, flags, ok)
		}
	}
	for _, w := range []uint64{
		1, 1 << 15, PipeWord(PipeMaxChunk+1, PipeBytes, 0), PipeWord(1<<32-1, PipeBytes, 0), PipeWord(0, PipeFileFrame+1, 0), PipeWord(0, PipeBytes, 8),
	} {
		if _, _, _, ok := UnpipeWord(w); ok {
			t.Errorf("%#x is a word", w)
		}
	}
}

func TestPipeWordsHaveALineEach(t *testing.T) {
	offsets := []int{PipeOffMagic}
	for d := range 2 {
		for _, o := range []int{PipeOffTail, PipeOffHead, PipeOffReading, PipeOffWriting} {
			offsets = append(offsets, d*PipeDirection+o)
		}
	}
	for i, o := range offsets {
		if o%Line != 0 || i > 0 && o-offsets[i-1] < Line {
			t.Errorf("word %d at %d shares a line", i, o)
		}
	}
}
