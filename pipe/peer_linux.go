package pipe

func (r *rings) peer() Peer {
	p, _ := peerOf(r.raw) // it can tell as long as it is open
	return p
}
