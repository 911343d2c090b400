package mp_test

import (
	"context"
	"iter"
	"sync"

	"github.com/go-multiproc/mp"
	"github.com/go-multiproc/mp/manager"
	"github.com/go-multiproc/mp/shared"
)

// The same for the packages shared and manager.

// locks are the constructors and methods of shared; freed is what all its handles have.
type freed interface{ Free() error }

type locks struct {
	mutex func() (*shared.Mutex, error)
	r     func() (*shared.RMutex, error)
	rw    func() (*shared.RWMutex, error)
	sem   func(int) (*shared.Semaphore, error)
	bound func(int) (*shared.Semaphore, error)
	cond  func(*shared.Mutex) (*shared.Cond, error)
	event func() (*shared.Event, error)
	bar   func(int) (*shared.Barrier, error)
	group func() (*shared.WaitGroup, error)
	add   func(*shared.Value[int], int) int
	array func(int) (*shared.Array[float64], error)
	of    func([]int) (*shared.Array[int], error)
	queue func(shared.QueueConfig) (*shared.Queue[int], error)
	make  func(string, int) (*shared.Block, error)
	open  func(string) (*shared.Block, error)
}

var _ = locks{
	shared.NewMutex, shared.NewRMutex, shared.NewRWMutex, shared.NewSemaphore, shared.NewBoundedSemaphore, shared.NewCond, shared.NewEvent,
	shared.NewBarrier, shared.NewWaitGroup, shared.Add[int], shared.NewArray[float64], shared.ArrayOf[int], shared.NewQueue[int],
	shared.CreateBlock, shared.OpenBlock,
}

type lockMethods interface {
	Lock(context.Context) error
	TryLock() (bool, error)
	Unlock() error
}

var (
	_ interface {
		freed
		lockMethods
		Do(context.Context, func() error) error
		Locker() sync.Locker
	} = (*shared.Mutex)(nil)
	_ interface {
		freed
		Lock(context.Context) (context.Context, error)
		Unlock(context.Context) error
	} = (*shared.RMutex)(nil)
	_ interface {
		freed
		lockMethods
		RLock(context.Context) error
		TryRLock() (bool, error)
		RUnlock() error
	} = (*shared.RWMutex)(nil)
	_ interface {
		freed
		Acquire(context.Context) error
		TryAcquire() (bool, error)
		Release() error
	} = (*shared.Semaphore)(nil)
	_ interface {
		freed
		Wait(context.Context) error
		WaitFor(context.Context, func() bool) error
		Signal(int) error
		Broadcast() error
	} = (*shared.Cond)(nil)
	_ interface {
		freed
		Set() error
		Clear() error
		IsSet() bool
		Wait(context.Context) error
	} = (*shared.Event)(nil)
	_ interface {
		freed
		Wait(context.Context) (int, error)
		Abort() error
		Reset() error
	} = (*shared.Barrier)(nil)
	_ interface {
		freed
		Add(int) error
		Done() error
		Wait(context.Context) error
	} = (*shared.WaitGroup)(nil)
	_ interface {
		freed
		Load() int
		Store(int)
		Swap(int) int
		Update(context.Context, func(int) int) (int, error)
		Mutex() *shared.Mutex
	} = (*shared.Value[int])(nil)
	_ interface {
		freed
		Len() int
		Slice() []int
		At(int) int
		Set(int, int)
		Mutex() *shared.Mutex
	} = (*shared.Array[int])(nil)
	_ interface {
		freed
		Put(context.Context, int) error
		TryPut(int) error
		Get(context.Context) (int, error)
		TryGet() (int, error)
		Len() int
		All(context.Context) iter.Seq2[int, error]
		TaskDone() error
		Join(context.Context) error
		Close() error
	} = (*shared.Queue[int])(nil)
	_ interface {
		Bytes() []byte
		Close() error
		Unlink() error
		Keep() error
	} = (*shared.Block)(nil)
	_ = []error{
		shared.ErrOwnerDied, shared.ErrNotOwner, shared.ErrBound, shared.ErrBroken, shared.ErrClosed, shared.ErrFull, shared.ErrEmpty, shared.ErrDetached,
		manager.ErrNotFound, manager.ErrClosed, manager.ErrAuth,
	}

	_ func(manager.Config) (*manager.Manager, error)                          = manager.Start
	_ func(context.Context, manager.Config) error                             = manager.Serve
	_ func(context.Context, string, manager.Config) (*manager.Manager, error) = manager.Connect
	_ func(context.Context, *manager.Manager, string, any) error              = manager.Publish
	_ func(context.Context, *manager.Manager, string) (int, error)            = manager.Lookup[int]
	_ func(*manager.Manager) (*manager.Dict[string, int], error)              = manager.NewDict[string, int]
	_ func(*manager.Manager, ...int) (*manager.List[int], error)              = manager.NewList[int]
	_ func(*manager.Manager, ...int) (*manager.Set[int], error)               = manager.NewSet[int]
	_ func(*manager.Manager) (*manager.Namespace, error)                      = manager.NewNamespace
	_ func(*manager.Manager, shared.QueueConfig) (*manager.Queue[int], error) = manager.NewQueue[int]
	_ func(*manager.Manager, int) (*manager.Semaphore, error)                 = manager.NewBoundedSemaphore
	_ func(*manager.Manager, *manager.Mutex) (*manager.Cond, error)           = manager.NewCond
	_ func(*manager.Manager, string) (*manager.Value[string], error)          = manager.NewValue[string]
	_ func(*manager.Manager, int) (*manager.Array[int], error)                = manager.NewArray[int]
	_ func(context.Context, string, *mp.Function[int, int]) (int, error)      = (*manager.Dict[string, int])(nil).Compute
	_ func(context.Context, *mp.Function[mp.Args2[int, int], int]) error      = (*manager.List[int])(nil).Sort
)
