package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

// clients is how many processes use one dict together.
const clients = 4

var managerGroup = group{
	name:  "manager",
	about: "a dict in a server process: get and set, from one client process and from 4",
	open: func(r *runner) (*bench, error) {
		n, few := r.n(50_000), r.n(3_000)
		m, err := manager.Start(manager.Config{})
		if err != nil {
			return nil, err
		}
		redis := newRedis()
		sides := []side{
			{"ours", func() (figures, error) { return dictAlone(m, n) }},
			{"ours, 4 clients", func() (figures, error) { return dictTogether(m, n) }},
			pythonSide("Manager", "manager", few),
			pythonSide("Manager, 4 clients", "manager_together", clients, few/2),
			{"redis", func() (figures, error) { return redis.alone(n) }},
			{"redis, 4 clients", func() (figures, error) { return redis.together(n) }},
		}
		return &bench{sides: sides, close: func() {
			redis.stop()
			_ = m.Stop(ctx)
		}}, nil
	},
	lines: []line{
		{what: "Dict.Get from one client vs Python Manager().dict()", ours: "get", rival: "python get", unit: perSecond, sense: speedup, atLeast: 10, stretch: 30},
		{what: "... Set", ours: "set", rival: "python set", unit: perSecond, sense: speedup, atLeast: 10, stretch: 30},
		{what: "... Get vs Redis over a Unix socket", ours: "get", rival: "redis get", unit: perSecond, sense: speedup},
		{what: "... Set", ours: "set", rival: "redis set", unit: perSecond, sense: speedup},
		{what: "Dict.Get from 4 clients vs Python Manager().dict()", ours: "get together", rival: "python get together", unit: perSecond, sense: speedup, atLeast: 10, stretch: 30},
		{what: "... Set", ours: "set together", rival: "python set together", unit: perSecond, sense: speedup, atLeast: 10, stretch: 30},
		{what: "... Get vs Redis over a Unix socket", ours: "get together", rival: "redis get together", unit: perSecond, sense: speedup},
		{what: "... Set", ours: "set together", rival: "redis set together", unit: perSecond, sense: speedup},
		{what: "Dict.Update of 1,000 keys vs 1,000 Set", ours: "update", rival: "set", unit: perSecond, sense: speedup},
	},
}

// dictKeys is how many keys there are, as in the rivals' dicts.
const dictKeys = 1024

// A store is something with keys and values, ours or a rival's, through a connection of this process.
type store interface {
	set(key string, v int) error
	get(key string) (int, error)
}

type dictStore struct{ d *manager.Dict[string, int] }

func (s dictStore) set(key string, v int) error { return s.d.Set(ctx, key, v) }
func (s dictStore) get(key string) (int, error) { return s.d.Get(ctx, key) }

var keys = func() (k [dictKeys]string) {
	for i := range k {
		k[i] = "key " + strconv.Itoa(i)
	}
	return k
}()

// setAndGet makes n sets, and then as many gets, and tells when each began and ended.
func setAndGet(s store, n int, begin func() error) (spans [2]span, err error) {
	for i := range dictKeys {
		if err := s.set(keys[i], i); err != nil {
			return spans, err
		}
	}
	if err := begin(); err != nil {
		return spans, err
	}
	spans[0].Begin = time.Now().UnixNano()
	for i := range n {
		if err := s.set(keys[i%dictKeys], i%dictKeys); err != nil {
			return spans, err
		}
	}
	spans[0].End = time.Now().UnixNano()
	if err := begin(); err != nil {
		return spans, err
	}
	spans[1].Begin = time.Now().UnixNano()
	for i := range n {
		v, err := s.get(keys[i%dictKeys])
		if err == nil && v != i%dictKeys {
			err = errWrong
		}
		if err != nil {
			return spans, err
		}
	}
	spans[1].End = time.Now().UnixNano()
	return spans, nil
}

func perSpan(n int, spans ...span) float64 { return float64(n) / whole(spans).Seconds() }

func dictAlone(m *manager.Manager, n int) (figures, error) {
	d, err := manager.NewDict[string, int](m)
	if err != nil {
		return nil, err
	}
	spans, err := setAndGet(dictStore{d}, n, func() error { return nil })
	if err != nil {
		return nil, err
	}
	f := figures{"set": perSpan(n, spans[0]), "get": perSpan(n, spans[1])}
	thousand := make(map[string]int)
	for i := range 1000 {
		thousand[keys[i]] = i
	}
	begin := time.Now()
	for range max(1, n/1000) {
		if err := d.Update(ctx, thousand); err != nil {
			return nil, err
		}
	}
	f["update"] = rate(1000*max(1, n/1000), begin)
	return f, nil
}

// dictClient is what one of several client processes has to do. Redis is the address of a rival's server.
type dictClient struct {
	Dict  *manager.Dict[string, int]
	Redis string
	Start *shared.Barrier
	N     int
}

var useDict = mp.Func("useDict", func(ctx context.Context, c dictClient) ([2]span, error) {
	s, err := store(dictStore{c.Dict}), error(nil)
	if c.Dict == nil {
		if s, err = dialRedis(c.Redis); err != nil {
			return [2]span{}, err
		}
	}
	return setAndGet(s, c.N, func() error {
		_, err := c.Start.Wait(ctx)
		return err
	})
})

func dictTogether(m *manager.Manager, n int) (figures, error) {
	d, err := manager.NewDict[string, int](m)
	if err != nil {
		return nil, err
	}
	return clientsTogether("", dictClient{Dict: d, N: n})
}

// clientsTogether has several processes use a store at once.
func clientsTogether(prefix string, c dictClient) (figures, error) {
	start, err := shared.NewBarrier(clients)
	if err != nil {
		return nil, err
	}
	defer free(start)
	c.Start = start
	spans := make([][2]span, clients)
	var runs []func(context.Context) error
	for i := range spans {
		runs = append(runs, inProcess(useDict, c, &spans[i]))
	}
	if err := together(runs...); err != nil {
		return nil, fmt.Errorf("%s%d clients: %w", prefix, clients, err)
	}
	f := make(figures)
	for i, what := range []string{"set", "get"} {
		var all []span
		for _, s := range spans {
			all = append(all, s[i])
		}
		f[prefix+what+" together"] = perSpan(clients*c.N, all...)
	}
	return f, nil
}
