package arena

// Stats is how the family uses its memory, in bytes where it says nothing else.
type Stats struct {
	Size      int64 // of the arena
	Used      int64 // given out, in blocks of powers of two
	Peak      int64 // the most that was ever in use, with what lay between
	Dirty     int64 // was given back, and has its pages still, about
	Objects   int64
	Allocs    int64
	Frees     int64
	Sweeps    int64          // processes that died and were cleaned up after
	Processes map[uint32]int // pids of who uses the arena, by slot
}

// Stats takes stock. The figures need not be of the same moment.
func (a *Arena) Stats() Stats {
	h := a.Header
	return Stats{
		Size: int64(h.Size), Used: int64(h.Used.Load()), Peak: int64(h.HeapTop.Load() - prefix(h.Size)),
		Dirty: int64(h.Dirty.Load()), Objects: int64(h.Objects.Load()),
		Allocs: int64(h.Allocs.Load()), Frees: int64(h.Frees.Load()), Sweeps: int64(h.Sweeps.Load()),
		Processes: a.F.Members(),
	}
}
