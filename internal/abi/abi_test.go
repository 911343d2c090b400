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
