//! Reads a flatbuffer and checks it on the way: whatever is not within the file, or not aligned, is an error. No code
//! here is unsafe, for values are taken from the bytes once flatbuffers' verifier has passed their place.

use anyhow::{Context, Result};
use flatbuffers::{ForwardsUOffset, Vector, Verifiable, Verifier, VerifierOptions};

/// What a file may make this program look at: fields, and bytes, where it names the same ones many times.
const LIMITS: VerifierOptions = VerifierOptions {
    max_depth: 64,
    max_tables: 1 << 22,
    max_apparent_size: 1 << 28,
    ignore_missing_null_terminator: true,
};

/// The place of a table in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table(usize);

/// A field of a table: 4 + 2 i for the schema's field i.
pub(super) type Slot = u16;

/// The slot of a field, by its number in the schema.
pub(super) const fn slot(field: u16) -> Slot {
    4 + 2 * field
}

/// A file being read.
pub(super) struct Reader<'b> {
    bytes: &'b [u8],
    verifier: Verifier<'static, 'b>,
}

/// A number as it lies in the file.
pub(super) trait Scalar: Verifiable + Copy {
    /// From as many bytes as it has.
    fn from_bytes(bytes: &[u8]) -> Self;
}

macro_rules! scalars {
    ($($scalar:ty),*) => {$(
        impl Scalar for $scalar {
            fn from_bytes(bytes: &[u8]) -> Self {
                bytes.try_into().map_or(Self::default(), Self::from_le_bytes)
            }
        }
    )*};
}
scalars!(u8, i8, u32, i32, f32, u64, i64);

impl<'b> Reader<'b> {
    /// Starts at the root table.
    ///
    /// # Errors
    /// Where the file is shorter than an offset.
    pub(super) fn new(bytes: &'b [u8]) -> Result<(Self, Table)> {
        let mut reader = Self { bytes, verifier: Verifier::new(&LIMITS, bytes) };
        let root = reader.follow(0).context("the file has no root table")?;
        Ok((reader, root))
    }

    /// A number; the default where the field is absent.
    ///
    /// # Errors
    /// Where it is not in the file.
    pub(super) fn scalar<T: Scalar>(&mut self, table: Table, slot: Slot, default: T) -> Result<T> {
        let Some(at) = self.field(table, slot)? else { return Ok(default) };
        T::run_verifier(&mut self.verifier, at)?;
        Ok(T::from_bytes(self.bytes.get(at..at + size_of::<T>()).unwrap_or_default()))
    }

    /// A list of numbers; none where the field is absent.
    ///
    /// # Errors
    /// Where it is not in the file.
    pub(super) fn numbers<T>(&mut self, table: Table, slot: Slot) -> Result<Vec<T>>
    where
        T: Scalar + 'b,
        Vector<'b, T>: Verifiable,
    {
        let bytes = self.list::<T>(table, slot)?.unwrap_or_default();
        Ok(bytes.chunks_exact(size_of::<T>()).map(T::from_bytes).collect())
    }

    /// A list of bytes; `None` where the field is absent.
    ///
    /// # Errors
    /// Where it is not in the file.
    pub(super) fn bytes(&mut self, table: Table, slot: Slot) -> Result<Option<&'b [u8]>> {
        self.list::<u8>(table, slot)
    }

    /// A text, whose bytes that are no UTF-8 are replaced; empty where the field is absent.
    ///
    /// # Errors
    /// Where it is not in the file.
    pub(super) fn text(&mut self, table: Table, slot: Slot) -> Result<String> {
        Ok(String::from_utf8_lossy(self.bytes(table, slot)?.unwrap_or_default()).into_owned())
    }

    /// A table; `None` where the field is absent.
    ///
    /// # Errors
    /// Where it is not in the file.
    pub(super) fn table(&mut self, table: Table, slot: Slot) -> Result<Option<Table>> {
        self.field(table, slot)?.map(|at| self.follow(at)).transpose()
    }

    /// A list of tables; none where the field is absent.
    ///
    /// # Errors
    /// Where one is not in the file.
    pub(super) fn tables(&mut self, table: Table, slot: Slot) -> Result<Vec<Table>> {
        let Some(at) = self.field(table, slot)? else { return Ok(Vec::new()) };
        // Offsets are numbers, followed one by one.
        <ForwardsUOffset<Vector<u32>>>::run_verifier(&mut self.verifier, at)?;
        let Table(list) = self.follow(at)?;
        let count = self.verifier.get_uoffset(list)? as usize;
        (0..count).map(|index| self.follow(list + size_of::<u32>() * (1 + index))).collect()
    }

    fn list<T>(&mut self, table: Table, slot: Slot) -> Result<Option<&'b [u8]>>
    where
        T: 'b,
        Vector<'b, T>: Verifiable,
    {
        let Some(at) = self.field(table, slot)? else { return Ok(None) };
        <ForwardsUOffset<Vector<'b, T>>>::run_verifier(&mut self.verifier, at)?;
        let Table(list) = self.follow(at)?;
        let (start, count) = (list + size_of::<u32>(), self.verifier.get_uoffset(list)? as usize);
        Ok(self.bytes.get(start..start + count * size_of::<T>()))
    }

    /// Where a field lies.
    fn field(&mut self, Table(at): Table, slot: Slot) -> Result<Option<usize>> {
        let mut table = self.verifier.visit_table(at)?;
        let field = table.deref(slot)?;
        table.finish();
        Ok(field)
    }

    /// What the offset at a place leads to.
    fn follow(&mut self, at: usize) -> Result<Table> {
        let offset = self.verifier.get_uoffset(at)? as usize;
        self.verifier.range_in_buffer(at + offset, size_of::<u32>())?;
        Ok(Table(at + offset))
    }
}
