package base

import "hash/crc32"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// crcMask is what LevelDB adds to a CRC before it stores it, so that the CRC of bytes that
// contain their own CRC is no fixed pattern.
const crcMask = 0xa282ead8

// MaskedCRC returns crc in the form in which LevelDB's formats store it.
func MaskedCRC(crc uint32) uint32 { return (crc>>15 | crc<<17) + crcMask }

// ExtendCRC returns the CRC32C of some bytes followed by data, given the CRC of the former.
// That of no bytes is 0.
func ExtendCRC(crc uint32, data []byte) uint32 { return crc32.Update(crc, castagnoli, data) }

// ExtendCRCByte is ExtendCRC for one byte. Unlike it, it needs no slice to point to.
func ExtendCRCByte(crc uint32, b byte) uint32 {
	return ^(castagnoli[byte(^crc)^b] ^ ^crc>>8)
}

// Checksum returns the stored form of the CRC32C of data and then kind, as tables need it.
func Checksum(data []byte, kind byte) uint32 {
	return MaskedCRC(ExtendCRCByte(ExtendCRC(0, data), kind))
}
