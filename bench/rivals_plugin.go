//go:build rivals

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/rpc"
	"os"
	"os/exec"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/go-multiproc/mp/bench/rivalpb"
)

// The service as a plugin, by either protocol, as go-plugin's examples have it.
type netRPCPlugin struct{ s service }

func (p *netRPCPlugin) Server(*plugin.MuxBroker) (any, error) { return &netRPCService{p.s}, nil }

func (*netRPCPlugin) Client(_ *plugin.MuxBroker, c *rpc.Client) (any, error) {
	return netRPCClient{c}, nil
}

type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin

	s service
}

func (p *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	rivalpb.RegisterWorkerServer(s, &grpcService{s: p.s})
	return nil
}

func (*grpcPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return grpcClient{rivalpb.NewWorkerClient(conn)}, nil
}

var handshake = plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "MP_BENCH_RIVAL", MagicCookieValue: "worker"}

const pluginName = "worker"

func plugins(protocol plugin.Protocol) plugin.PluginSet {
	if protocol == plugin.ProtocolGRPC {
		return plugin.PluginSet{pluginName: &grpcPlugin{s: served{}}}
	}
	return plugin.PluginSet{pluginName: &netRPCPlugin{served{}}}
}

// servePlugin is the plugin's process. It ends when its client wants it to, or is no more.
func servePlugin(protocol string) {
	atParentsEnd(func() { os.Exit(1) }) // go-plugin's own end is asked for over the connection; this one is for a client that was killed
	log.SetOutput(io.Discard)           // go-plugin's word that its socket was closed
	c := &plugin.ServeConfig{HandshakeConfig: handshake, Plugins: plugins(plugin.Protocol(protocol)), Logger: hclog.NewNullLogger()}
	if protocol == string(plugin.ProtocolGRPC) {
		c.GRPCServer = plugin.DefaultGRPCServer
	}
	plugin.Serve(c)
}

func openPluginNetRPC() (*remote, error) { return openPlugin(plugin.ProtocolNetRPC, netRPCLost) }

func openPluginGRPC() (*remote, error) { return openPlugin(plugin.ProtocolGRPC, grpcLost) }

// openPlugin is go-plugin with its defaults, but for the log, which is dropped, and the directory of its sockets: those of a plugin that
// is killed stay behind.
func openPlugin(protocol plugin.Protocol, lost func(error) bool) (*remote, error) {
	dir, err := scratchDir()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(own(), rolePlugin, string(protocol))
	cmd.Env = []string{oneProc, plugin.EnvUnixSocketDir + "=" + dir} // go-plugin adds what this process has
	here, there, err := tie(cmd)
	if err != nil {
		return nil, err
	}
	defer there.Close()
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  handshake,
		Plugins:          plugins(protocol),
		Cmd:              cmd,
		AllowedProtocols: []plugin.Protocol{protocol},
		Logger:           hclog.NewNullLogger(),
		Stderr:           os.Stderr,
	})
	end := func() error {
		client.Kill()
		return here.Close()
	}
	connection, err := client.Client()
	if err != nil {
		return nil, errors.Join(err, end())
	}
	raw, err := connection.Dispense(pluginName)
	if err != nil {
		return nil, errors.Join(err, end())
	}
	s, ok := raw.(service)
	if !ok {
		return nil, errors.Join(fmt.Errorf("the plugin is a %T", raw), end())
	}
	return &remote{service: s, lost: lost, close: end}, nil
}
