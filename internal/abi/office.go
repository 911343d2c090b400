package abi

// Who connects to the office gets a nonce (OfficeNonce bytes), answers with another and a proof (OfficeProof), and gets the office's
// proof. From then on letters go to and fro: a head, so many bytes, and a byte for each group of descriptors, which come with it.
//
//	token 16 | bytes u32 | descriptors u32 | kind u8 | zero 7
const (
	OfficeNonce = 32
	OfficeProof = 32
	OfficeToken = 16
	OfficeHead  = OfficeToken + 16
	OfficeGroup = 253 // what the kernel lets travel together
)

// Kinds of letters.
const (
	OfficePut    byte = 'p' // member: with what is to be kept. The answer to OfficeDone is a byte: it is told of
	OfficeTake   byte = 't' // member: the answer has what was kept
	OfficeHas    byte = 'h' // member
	OfficeDrop   byte = 'd' // member
	OfficeDone   byte = 'k' // office
	OfficeGone   byte = 'g' // office: there is nothing under this token
	OfficeFailed byte = 'f' // office: text
)

// What may be in a letter, so that a broken peer cannot make the other side allocate without limit.
const (
	OfficeMaxState = 4 << 20
	OfficeMaxFiles = 4096
)
