//! Hashes whose fields were told once for all that have the same ones (Redis 8.10).
//!
//! # Layout
//!
//! ```text
//!   HASH_TEMPLATE (F2)  = len number, len n, n x str field
//!   kind 30  packed     = str(listpack of the template's number, value ...)
//!   kind 32  plain      = len number, n x str value
//!
//!   In payloads of DUMP, which come without the file's templates:
//!   kind 29  packed     = own, str(listpack of a number without meaning, value ...)
//!   kind 31  plain      = own, n x str value
//!   own                 = 00 str(listpack of field ...)  or  01 len n, n x str field
//! ```
//!
//! Example: `F2 05 01 01 66  20 01 68 05 01 76` template 5 of field "f", and hash "h" of f = v.
//!
//! # Invariants
//!
//! - Fields rise, by length and then by their bytes, so that none occurs twice. There is at least one.
//! - A value for each field, in their order.
//!
//! No server that writes this was at hand; the layout is as others who read it describe it.

use std::collections::BTreeMap;

use packed::IntText;
use packed::listpack::{Listpack, Pos};

use crate::blob::sound_listpack;
use crate::cursor::{Cursor, Stop};
use crate::error::ErrorKind;
use crate::event::Part;
use crate::kind::TemplateForm;
use crate::string::{Text, read_len, read_str};

/// The templates of a file, by number.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    by_number: BTreeMap<u64, Template>,
    /// One that was not read to its end, because the input did not have it.
    open: Option<(u64, OpenTemplate)>,
}

/// Fields, one behind the other.
#[derive(Debug, Default)]
struct Template {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// A template whose fields are being read.
#[derive(Debug)]
struct OpenTemplate {
    template: Template,
    left: u64,
}

const READING: &str = "a template of hash fields";
const FIELDS_LISTPACK: u64 = 0;
const FIELDS_PLAIN: u64 = 1;

impl Templates {
    /// Whether a template is to be read on.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Reads a template, without its opcode, and commits field by field: called again until there
    /// are all.
    pub(crate) fn read(&mut self, cur: &mut Cursor<'_>, scratch: &mut Vec<u8>) -> Result<(), Stop> {
        let (number, mut open) = match self.open.take() {
            Some(open) => open,
            None => (read_len(cur, READING)?, OpenTemplate::read(cur)?),
        };
        let read = open.read_fields(cur, scratch);
        match read {
            Ok(()) => _ = self.by_number.insert(number, open.template),
            Err(_) => self.open = Some((number, open)),
        }
        read
    }
}

impl OpenTemplate {
    /// Reads how many fields there are, and commits.
    fn read(cur: &mut Cursor<'_>) -> Result<OpenTemplate, Stop> {
        let left = read_len(cur, READING)?;
        if left == 0 {
            return Err(cur.wrong(cur.at(), ErrorKind::EmptyCollection));
        }
        cur.commit();
        let template = Template::default();
        Ok(OpenTemplate { template, left })
    }

    /// Reads the fields that are left, and commits each.
    fn read_fields(&mut self, cur: &mut Cursor<'_>, scratch: &mut Vec<u8>) -> Result<(), Stop> {
        while self.left > 0 {
            let at = cur.at();
            scratch.clear();
            let field = read_str(cur, scratch, READING)?;
            let pushed = self.template.push(field.resolve(scratch));
            pushed.map_err(|kind| cur.wrong(at, kind))?;
            self.left -= 1;
            cur.commit();
        }
        scratch.clear();
        Ok(())
    }
}

impl Template {
    fn from_listpack(blob: &[u8]) -> Result<Template, ErrorKind> {
        let (mut template, mut text) = (Template::default(), IntText::default());
        for field in sound_listpack(blob)?.iter() {
            template.push(field.text(&mut text))?;
        }
        match template.len() {
            0 => Err(ErrorKind::EmptyCollection),
            _ => Ok(template),
        }
    }

    fn push(&mut self, field: &[u8]) -> Result<(), ErrorKind> {
        let last = self.len().checked_sub(1).map(|last| self.field(last));
        if last.is_some_and(|last| (last.len(), last) >= (field.len(), field)) {
            let (what, found) = ("field of a template", field.into());
            return Err(ErrorKind::OutOfOrder { what, found });
        }
        self.bytes.extend_from_slice(field);
        self.ends.push(self.bytes.len());
        Ok(())
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn field(&self, index: usize) -> &[u8] {
        let before = index.checked_sub(1).and_then(|index| self.ends.get(index));
        let (from, to) = (before.copied().unwrap_or(0), self.ends.get(index));
        self.bytes
            .get(from..to.copied().unwrap_or(0))
            .unwrap_or(&[])
    }
}

/// Reads a hash, field by field.
#[derive(Debug, Default)]
pub(crate) struct TemplatedReader {
    /// The number of the template, or none if the value brought its own.
    number: Option<u64>,
    own: Template,
    open: Option<OpenTemplate>,
    /// Fields that were given out.
    given: usize,
    /// The values, and the place of the next, if they are a listpack.
    packed: Option<(Vec<u8>, Option<Pos>)>,
}

impl TemplatedReader {
    /// Reads what comes before the values, those that are a listpack included: the number of fields.
    /// Called again, on the same reader, until it has all.
    pub(crate) fn start(
        &mut self,
        form: TemplateForm,
        templates: &Templates,
        cur: &mut Cursor<'_>,
        scratch: &mut Vec<u8>,
    ) -> Result<u64, Stop> {
        if form.is_own && self.own.len() == 0 {
            self.read_own(cur, scratch)?;
            cur.commit();
        }
        let at = cur.at();
        if form.is_packed {
            let blob = read_str(cur, scratch, "a hash's values")?;
            let unpacked = self.unpack(blob.resolve(scratch).to_vec(), form.is_own);
            unpacked.map_err(|kind| cur.wrong(at, kind))?;
        } else if !form.is_own {
            self.number = Some(read_len(cur, "the number of a template")?);
        }
        let fields = self.template(templates).map(Template::len);
        let fields = fields.map_err(|kind| cur.wrong(at, kind))?;
        self.check_count(fields)
            .map_err(|kind| cur.wrong(at, kind))?;
        Ok(fields as u64)
    }

    /// Reads the fields that come with a value.
    fn read_own(&mut self, cur: &mut Cursor<'_>, scratch: &mut Vec<u8>) -> Result<(), Stop> {
        if self.open.is_none() {
            let at = cur.at();
            match read_len(cur, READING)? {
                FIELDS_LISTPACK => {
                    let blob = read_str(cur, scratch, READING)?;
                    let template = Template::from_listpack(blob.resolve(scratch));
                    self.own = template.map_err(|kind| cur.wrong(at, kind))?;
                    scratch.clear();
                    return Ok(());
                }
                FIELDS_PLAIN => self.open = Some(OpenTemplate::read(cur)?),
                found => {
                    let (expected, found) = ("0 or 1, the form of fields,", i128::from(found));
                    return Err(cur.wrong(at, ErrorKind::BadNumber { expected, found }));
                }
            }
        }
        if let Some(open) = &mut self.open {
            open.read_fields(cur, scratch)?;
            self.own = std::mem::take(&mut open.template);
        }
        self.open = None;
        Ok(())
    }

    /// Takes a listpack of values behind a template's number.
    fn unpack(&mut self, blob: Vec<u8>, is_own: bool) -> Result<(), ErrorKind> {
        let values = sound_listpack(&blob)?;
        let number = values.first().and_then(|number| number.as_int());
        let Some(number) = number.and_then(|number| u64::try_from(number).ok()) else {
            let (expected, found) = ("the number of a template", -1);
            return Err(ErrorKind::BadNumber { expected, found });
        };
        self.number = (!is_own).then_some(number);
        let first = values.start().and_then(|number| values.next(number));
        self.packed = Some((blob, first));
        Ok(())
    }

    fn template<'t>(&'t self, templates: &'t Templates) -> Result<&'t Template, ErrorKind> {
        let Some(number) = self.number else {
            return Ok(&self.own);
        };
        templates.by_number.get(&number).ok_or_else(|| {
            let expected = "the number of a template told before";
            let found = i128::from(number);
            ErrorKind::BadNumber { expected, found }
        })
    }

    fn check_count(&self, fields: usize) -> Result<(), ErrorKind> {
        let Some((blob, _)) = &self.packed else {
            return Ok(());
        };
        match Listpack::new(blob).iter().count() - 1 {
            found if found != fields => Err(ErrorKind::OddCount {
                found,
                group: fields,
            }),
            _ => Ok(()),
        }
    }

    /// The next field, `None` after the last. Moves the cursor past it and commits.
    pub(crate) fn next<'a, 'i: 'a>(
        &'a mut self,
        templates: &'a Templates,
        cur: &mut Cursor<'i>,
        scratch: &'a mut Vec<u8>,
    ) -> Result<Option<Part<'a>>, Stop> {
        let fields = self.template(templates).map_or(0, Template::len);
        if self.given == fields {
            return Ok(None);
        }
        let value = match &mut self.packed {
            Some((blob, at)) => next_packed(blob, at, scratch),
            None => read_str(cur, scratch, "a hash's value")?,
        };
        cur.commit();
        self.given += 1;
        let template = self.template(templates).unwrap_or(&self.own);
        Ok(Some(Part::Field {
            field: template.field(self.given - 1),
            value: value.resolve(scratch),
            expire: None,
        }))
    }
}

/// The element at `at`, as text in `scratch`, and moves on.
fn next_packed(blob: &[u8], at: &mut Option<Pos>, scratch: &mut Vec<u8>) -> Text<'static> {
    let values = Listpack::new(blob);
    let start = scratch.len();
    if let Some(pos) = *at {
        values.at(pos).write_text(scratch);
        *at = values.next(pos);
    }
    Text::Scratch(start..scratch.len())
}

#[cfg(test)]
mod tests {
    use crate::{Decoder, DecoderOptions, ErrorKind, Event, Part};

    /// The fields of the hashes in a file, as "field=value", fed byte by byte.
    fn fields(body: &[u8]) -> Result<Vec<String>, ErrorKind> {
        let mut decoder = Decoder::new(DecoderOptions::default());
        let mut found = Vec::new();
        for byte in [b"REDIS0015", body, &[0xFF, 0, 0, 0, 0, 0, 0, 0, 0]].concat() {
            decoder.feed(&[byte]);
            while let Some(event) = decoder.next().map_err(|error| error.kind().clone())? {
                if let Event::Value(Part::Field { field, value, .. }) = event {
                    found.push(format!("{}={}", field.escape_ascii(), value.escape_ascii()));
                }
            }
        }
        assert!(decoder.is_done());
        Ok(found)
    }

    const TEMPLATE: &[u8] = b"\xF2\x05\x02\x01a\x02bc";
    /// Listpacks of 5, "x", 7 and of "a", "bc".
    const VALUES: &[u8] = b"\x0E\x0E\0\0\0\x03\0\x05\x01\x81x\x02\x07\x01\xFF";
    const FIELDS: &[u8] = b"\x0E\x0E\0\0\0\x02\0\x81a\x02\x82bc\x03\xFF";

    #[test]
    fn all_four_forms_give_fields() {
        let expected = ["a=x", "bc=7"].map(str::to_owned).to_vec();
        for body in [
            [TEMPLATE, b"\x20\x01h\x05\x01x\xC0\x07"].concat(),
            [TEMPLATE, b"\x1E\x01h", VALUES].concat(),
            [b"\x1F\x01h\x01\x02\x01a\x02bc\x01x\x017".as_slice()].concat(),
            [b"\x1F\x01h\0", FIELDS, b"\x01x\x017"].concat(),
            [b"\x1D\x01h\0", FIELDS, VALUES].concat(),
            [b"\x1D\x01h\x01\x02\x01a\x02bc", VALUES].concat(),
        ] {
            assert_eq!(
                fields(&body).as_ref(),
                Ok(&expected),
                "{}",
                body.escape_ascii()
            );
        }
    }

    #[test]
    fn templates_that_contradict_themselves_are_refused() {
        let is_refused = |body: &[u8], is: fn(&ErrorKind) -> bool| {
            let error = fields(body).expect_err("refused");
            assert!(is(&error), "{error}");
        };
        let out_of_order = b"\xF2\x05\x02\x02bc\x01a";
        is_refused(out_of_order, |e| matches!(e, ErrorKind::OutOfOrder { .. }));
        is_refused(b"\xF2\x05\x00", |e| *e == ErrorKind::EmptyCollection);
        let unknown = [TEMPLATE, b"\x20\x01h\x06"].concat();
        is_refused(&unknown, |e| {
            matches!(e, ErrorKind::BadNumber { found: 6, .. })
        });
        let one_field = [b"\xF2\x05\x01\x01a\x1E\x01h", VALUES].concat();
        is_refused(&one_field, |e| {
            matches!(e, ErrorKind::OddCount { found: 2, .. })
        });
    }
}
