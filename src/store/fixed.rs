//! Statements whose words never change, prepared once for each connection. Diesel prepares each UPDATE of its own anew,
//! and each `sql_query`: of what is written for every outcome, that was a sixth of all its time.

use std::marker::PhantomData;

use chrono::NaiveDateTime;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Binary, Bool, HasSqlType, Nullable, Text, Timestamp};
use diesel::{QueryResult, RunQueryDsl};

use super::connection::on_either;
use super::{Db, StoreError};

/// A value in a [`Fixed`] statement.
pub(super) enum Bind<'a> {
    Number(Option<i64>),
    Text(Option<&'a str>),
    At(Option<NaiveDateTime>),
    Bytes(Option<&'a [u8]>),
    Flag(bool),
}

/// A statement named by a type of its own; [`fixed!`] makes one.
pub(super) struct Fixed<'a, Name> {
    /// Each `?` stands for the next value.
    sql: &'static str,
    binds: Vec<Bind<'a>>,
    name: PhantomData<Name>,
}

impl<'a, Name: 'static> Fixed<'a, Name> {
    pub(super) fn new(sql: &'static str, binds: Vec<Bind<'a>>) -> Self {
        Self { sql, binds, name: PhantomData }
    }

    /// How many rows it wrote.
    pub(super) fn execute(self, db: &mut Db) -> Result<usize, StoreError> {
        Ok(on_either!(db, db => RunQueryDsl::execute(self, db)?))
    }
}

impl<Name: 'static> QueryId for Fixed<'_, Name> {
    type QueryId = Name;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Conn, Name> RunQueryDsl<Conn> for Fixed<'_, Name> {}

impl<DB, Name> QueryFragment<DB> for Fixed<'_, Name>
where
    DB: Backend
        + HasSqlType<Nullable<BigInt>>
        + HasSqlType<Nullable<Text>>
        + HasSqlType<Nullable<Timestamp>>
        + HasSqlType<Nullable<Binary>>
        + HasSqlType<Bool>,
    Option<i64>: ToSql<Nullable<BigInt>, DB>,
    for<'x> Option<&'x str>: ToSql<Nullable<Text>, DB>,
    Option<NaiveDateTime>: ToSql<Nullable<Timestamp>, DB>,
    for<'x> Option<&'x [u8]>: ToSql<Nullable<Binary>, DB>,
    bool: ToSql<Bool, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let mut binds = self.binds.iter();
        for (place, part) in self.sql.split('?').enumerate() {
            if place > 0 {
                match binds.next() {
                    Some(Bind::Number(number)) => out.push_bind_param::<Nullable<BigInt>, _>(number)?,
                    Some(Bind::Text(text)) => out.push_bind_param::<Nullable<Text>, _>(text)?,
                    Some(Bind::At(at)) => out.push_bind_param::<Nullable<Timestamp>, _>(at)?,
                    Some(Bind::Bytes(bytes)) => out.push_bind_param::<Nullable<Binary>, _>(bytes)?,
                    Some(Bind::Flag(flag)) => out.push_bind_param::<Bool, _>(flag)?,
                    None => return Err(diesel::result::Error::QueryBuilderError("too few values".into())),
                }
            }
            out.push_sql(part);
        }
        Ok(())
    }
}

/// Has a [`Fixed`] statement with a name of its own executed: `fixed!(db, "UPDATE t SET a = ? WHERE id = ?", a, id)`.
macro_rules! fixed {
    ($db:expr, $sql:expr, $($value:expr),+ $(,)?) => {{
        enum Name {}
        $crate::store::fixed::Fixed::<Name>::new(
            $sql,
            vec![$($crate::store::fixed::Bind::from($value)),+],
        )
        .execute($db)
    }};
}
pub(in crate::store) use fixed;

impl From<i64> for Bind<'_> {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<Option<i64>> for Bind<'_> {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<super::instructions::InstructionId> for Bind<'_> {
    fn from(id: super::instructions::InstructionId) -> Self {
        Self::Number(Some(id.row()))
    }
}

impl From<bool> for Bind<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<NaiveDateTime> for Bind<'_> {
    fn from(at: NaiveDateTime) -> Self {
        Self::At(Some(at))
    }
}

impl From<Option<NaiveDateTime>> for Bind<'_> {
    fn from(at: Option<NaiveDateTime>) -> Self {
        Self::At(at)
    }
}

impl<'a> From<&'a str> for Bind<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<&'a String> for Bind<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Some(text))
    }
}

impl<'a> From<Option<&'a str>> for Bind<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a Option<String>> for Bind<'a> {
    fn from(text: &'a Option<String>) -> Self {
        Self::Text(text.as_deref())
    }
}

impl<'a> From<&'a [u8]> for Bind<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl<'a> From<&'a Option<Vec<u8>>> for Bind<'a> {
    fn from(bytes: &'a Option<Vec<u8>>) -> Self {
        Self::Bytes(bytes.as_deref())
    }
}
