//go:build !linux

package block

import "errors"

func create(string, int) (*Block, error) { return nil, errors.ErrUnsupported }

func attach(string) (*Block, error) { return nil, errors.ErrUnsupported }

func keep(string, Identity) error { return errors.ErrUnsupported }

func unlink(string, Identity) error { return errors.ErrUnsupported }

func remove(string, Identity) error { return errors.ErrUnsupported }

func removeOwn(string, Identity, int) error { return errors.ErrUnsupported }

func release([]byte, int) error { return errors.ErrUnsupported }

func sweep() {}

func sweepAtTimes() {}
