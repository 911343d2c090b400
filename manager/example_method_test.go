package manager_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/go-multiproc/mp/manager"
)

// A board is an object of one's own. Its methods are called by many at once.
type board struct {
	mu     sync.Mutex
	pieces map[string]string // by square
}

func (b *board) At(_ context.Context, square string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pieces[square], nil
}

func (b *board) Count(context.Context) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.pieces), nil
}

func (b *board) Move(_ context.Context, from, to string) (taken string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken = b.pieces[to]
	b.pieces[to] = b.pieces[from]
	delete(b.pieces, from)
	return taken, nil
}

func (b *board) Put(_ context.Context, colour, piece, square string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pieces[square] = colour + " " + piece
	return b.pieces[square], nil
}

// Classes and methods are registered at package level, so that the server's process knows them.
var boards = manager.Class("example.board", func(_ context.Context, pieces map[string]string) (*board, error) {
	return &board{pieces: pieces}, nil
})

var pieceAt = manager.Method(boards, "at", (*board).At)

var countPieces = manager.Method0(boards, "count", (*board).Count)

var movePiece = manager.Method2(boards, "move", (*board).Move)

var putPiece = manager.Method3(boards, "put", (*board).Put)

// play calls an example with a board in a server of this process; Start makes a process of its own.
func play(example func(context.Context, *manager.Object[*board])) {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	b, err := boards.New(ctx, m, map[string]string{"e2": "white pawn", "d5": "black pawn"})
	if err != nil {
		fmt.Println(err)
		return
	}
	example(ctx, b)
}

// A class makes objects, in whatever server, and has a name, by which servers know it.
func ExampleClassOf() {
	ctx := context.Background()
	m, err := manager.InProcess(manager.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Stop(ctx)
	b, err := boards.New(ctx, m, map[string]string{"e1": "white king"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(boards.Name())
	fmt.Println(pieceAt.Call(ctx, b, "e1"))
	// Output:
	// example.board
	// white king <nil>
}

func ExampleMethod() {
	play(func(ctx context.Context, b *manager.Object[*board]) {
		fmt.Println(pieceAt.Call(ctx, b, "d5"))
	})
	// Output: black pawn <nil>
}

func ExampleMethod0() {
	play(func(ctx context.Context, b *manager.Object[*board]) {
		fmt.Println(countPieces.Call(ctx, b))
	})
	// Output: 2 <nil>
}

func ExampleMethod2() {
	play(func(ctx context.Context, b *manager.Object[*board]) {
		fmt.Println(movePiece.Call(ctx, b, "e2", "e4"))
		fmt.Println(movePiece.Call(ctx, b, "e4", "d5"))
	})
	// Output:
	//  <nil>
	// black pawn <nil>
}

func ExampleMethod3() {
	play(func(ctx context.Context, b *manager.Object[*board]) {
		fmt.Println(putPiece.Call(ctx, b, "white", "queen", "d1"))
	})
	// Output: white queen <nil>
}
