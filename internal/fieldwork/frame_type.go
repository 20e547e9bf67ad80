package fieldwork

// Frame is the list of units that a sample is drawn from, as it was read.
type Frame struct {
	Units []FrameUnit
	// Hash is the SHA-256 of the file, in hexadecimal digits; Vintage names the edition of
	// its division codes, such as 2023.
	Hash, Vintage string
}

// FrameUnit is one village or residents' committee of a frame.
type FrameUnit struct {
	// Code has the 12 digits of the division code: province 2, city 4, county 6, township
	// 9, village 12.
	Code string
	// Class is urban or rural, or a finer urban–rural class.
	Name, Class        string
	Households, Adults int
	// Size is another measure of size, 0 when there is none.
	Size float64
	// Row is the line of the file, for messages.
	Row int
	// Columns are all further columns.
	Columns map[string]string
}
