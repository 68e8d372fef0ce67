//! Documents as PDF files: headings, paragraphs, tables that continue on the next page, images, page numbers.
//!
//! | module | content |
//! | --- | --- |
//! | [`model`] | a document: what it says, in blocks, without any position |
//! | [`font`] | the font of all documents: widths, and the part of it that a document needs |
//! | `wrap` | lines of a width |
//! | `layout` | blocks → marks on pages of A4 |
//! | `write` | marks → bytes of a PDF file |
//!
//! A document is a file that a shop passes on: to a buyer who asks for his data, to a court, to a channel in a dispute. So it is
//! complete in itself (fonts and images are inside), its text can be selected and searched, and the same content gives the same
//! bytes. The digest of a file that was handed out is recorded with its download ([`crate::audit::downloads`]).
//!
//! pdf-writer writes the objects of the file, subsetter reduces the font; both are the base of Typst. krilla, which is above
//! them, brings 60 crates for what is not needed here: shaping of other scripts, colour fonts, gradients.

pub mod font;
mod layout;
pub mod model;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod wrap;
mod write;

pub use model::{Document, DocumentError, DocumentTable, Figure, TableColumn};
