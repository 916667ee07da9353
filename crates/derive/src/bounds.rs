//! Which type parameters have to be modules.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Field, GenericArgument, Generics, Ident, PathArguments, Type};

/// The type parameters that occur in the types of these fields outside of `PhantomData`.
///
/// Bounds on the parameters, not on the fields' types: the latter would never resolve for a type that contains itself.
pub(crate) fn needed<'a>(generics: &'a Generics, fields: &[&Field]) -> Vec<&'a Ident> {
    let occurs = |parameter: &&Ident| fields.iter().any(|field| holds(&field.ty, parameter));
    generics.type_params().map(|parameter| &parameter.ident).filter(occurs).collect()
}

fn holds(ty: &Type, parameter: &Ident) -> bool {
    let Type::Path(path) = ty else { return mentions(ty.to_token_stream(), parameter) };
    let Some(last) = path.path.segments.last() else { return false };
    match &last.arguments {
        _ if last.ident == "PhantomData" => false,
        _ if path.qself.is_some() => mentions(ty.to_token_stream(), parameter),
        PathArguments::None => path.path.is_ident(parameter),
        PathArguments::AngleBracketed(arguments) => arguments.args.iter().any(|argument| match argument {
            GenericArgument::Type(ty) => holds(ty, parameter),
            other => mentions(other.to_token_stream(), parameter),
        }),
        PathArguments::Parenthesized(arguments) => mentions(arguments.to_token_stream(), parameter),
    }
}

fn mentions(tokens: TokenStream, parameter: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *parameter,
        TokenTree::Group(group) => mentions(group.stream(), parameter),
        _ => false,
    })
}
