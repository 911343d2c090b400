//go:build rivals

package main

import (
	"context"
	"errors"
	"io"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/go-multiproc/mp/bench/rivalpb"
)

// grpcService is the service as protoc-gen-go-grpc wants it.
type grpcService struct {
	rivalpb.UnimplementedWorkerServer

	s service
}

func (g *grpcService) Noop(_ context.Context, in *rivalpb.Number) (*rivalpb.Number, error) {
	out, err := g.s.Noop(int(in.GetValue()))
	return &rivalpb.Number{Value: int64(out)}, err
}

// Noops answers each element when it comes, until the caller has no more.
func (g *grpcService) Noops(stream grpc.BidiStreamingServer[rivalpb.Element, rivalpb.Outcome]) error {
	for {
		in, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		v, err := g.s.Noop(int(in.GetValue()))
		out := &rivalpb.Outcome{Index: in.GetIndex(), Value: int64(v)}
		if err != nil {
			out.Error = err.Error()
		}
		if err := stream.Send(out); err != nil {
			return err
		}
	}
}

func (g *grpcService) Burn(_ context.Context, in *rivalpb.Number) (*rivalpb.Steps, error) {
	out, err := g.s.Burn(int(in.GetValue()))
	return &rivalpb.Steps{Value: out}, err
}

func (g *grpcService) Return(_ context.Context, in *rivalpb.Small) (*rivalpb.Small, error) {
	out, err := g.s.Return(fromProto(in))
	return toProto(out), err
}

func (g *grpcService) Echo(_ context.Context, in *rivalpb.Blob) (*rivalpb.Blob, error) {
	out, err := g.s.Echo(in.GetData())
	return &rivalpb.Blob{Data: out}, err
}

func (g *grpcService) Die(_ context.Context, in *rivalpb.Number) (*rivalpb.Number, error) {
	out, err := g.s.Die(int(in.GetValue()))
	return &rivalpb.Number{Value: int64(out)}, err
}

func toProto(v small) *rivalpb.Small {
	out := &rivalpb.Small{Id: v.ID, Name: v.Name, Score: v.Score, Tags: make([]uint32, len(v.Tags)), Ok: v.OK}
	for i, t := range v.Tags {
		out.Tags[i] = uint32(t)
	}
	return out
}

func fromProto(v *rivalpb.Small) small {
	out := small{ID: v.GetId(), Name: v.GetName(), Score: v.GetScore(), OK: v.GetOk()}
	for i := range min(len(out.Tags), len(v.GetTags())) {
		out.Tags[i] = uint16(v.GetTags()[i])
	}
	return out
}

// grpcClient is the service at the other end of a connection.
type grpcClient struct{ c rivalpb.WorkerClient }

func (g grpcClient) Noop(x int) (int, error) {
	out, err := g.c.Noop(ctx, &rivalpb.Number{Value: int64(x)})
	return int(out.GetValue()), err
}

func (g grpcClient) Burn(steps int) (uint64, error) {
	out, err := g.c.Burn(ctx, &rivalpb.Number{Value: int64(steps)})
	return out.GetValue(), err
}

func (g grpcClient) Return(v small) (small, error) {
	out, err := g.c.Return(ctx, toProto(v))
	return fromProto(out), err
}

func (g grpcClient) Echo(b []byte) ([]byte, error) {
	out, err := g.c.Echo(ctx, &rivalpb.Blob{Data: b})
	return out.GetData(), err
}

func (g grpcClient) Die(x int) (int, error) {
	out, err := g.c.Die(ctx, &rivalpb.Number{Value: int64(x)})
	return int(out.GetValue()), err
}

func grpcLost(err error) bool { return status.Code(err) == codes.Unavailable }

func serveGRPC(l net.Listener) error {
	s := grpc.NewServer()
	rivalpb.RegisterWorkerServer(s, &grpcService{s: served{}})
	return s.Serve(l)
}

// openGRPC is grpc-go with its defaults over a Unix socket, which needs no credentials; one channel for all calls, as its guide to
// performance says. Larger windows, larger buffers and stream workers were tried, and gained nothing for all calls.
func openGRPC() (*remote, error) {
	c, err := startChild(roleGRPC)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient("unix:"+c.socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, errors.Join(err, c.end())
	}
	return &remote{
		service: grpcClient{rivalpb.NewWorkerClient(conn)},
		lost:    grpcLost,
		close:   func() error { return errors.Join(conn.Close(), c.end()) },
	}, nil
}
