//go:build !linux

package spawn

// A group is not known on this system.
type group struct{}

func (g *group) usage() (u usage) { return u }

func (g *group) finish() {}

type sampler struct{}

func newSampler(int) (*sampler, bool) { return nil, false }

func (*sampler) private() (int64, bool) { return 0, false }

func (*sampler) close() {}
