//! `#[derive(Module)]`: what the trait `Module` of chainrule's `nn` needs, field by field.
//!
//! The trait, with examples, is documented there; this crate only writes its implementation.

#![forbid(unsafe_code)]

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, Index, Member, Path, Result, Variant, parse_quote};

mod bounds;

/// Implements `Module`: every field is a part of the model, visited in the order of the declaration under its own name (under its
/// number, where it has none).
///
/// - `#[module(skip)]` on a field leaves it out: it is no part of the model, whatever its type.
/// - `#[module(crate = path)]` on the type says where the trait is, if not in `::chainrule::nn`.
///
/// A type parameter that occurs in a field has to be a `Module` itself, unless it occurs in `PhantomData` or a skipped field.
#[proc_macro_derive(Module, attributes(module))]
pub fn derive_module(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let krate = crate_path(input)?;
    let variants: Vec<(TokenStream, &Fields)> = match &input.data {
        Data::Struct(data) => vec![(quote!(Self), &data.fields)],
        Data::Enum(data) => data.variants.iter().map(variant).collect::<Result<_>>()?,
        Data::Union(data) => {
            return Err(Error::new(
                data.union_token.span,
                "Module can be derived for structs and enums, not for unions",
            ));
        }
    };
    let mut arms = Vec::new();
    let mut parts: Vec<&Field> = Vec::new();
    for (constructor, fields) in variants {
        let mut patterns = Vec::new();
        let mut visits = Vec::new();
        for (number, field) in fields.iter().enumerate() {
            if is_skipped(field)? {
                continue;
            }
            let member = field.ident.clone().map_or(Member::Unnamed(Index::from(number)), Member::Named);
            let name = field.ident.as_ref().map_or(number.to_string(), plain_name);
            // At the place of the field's type, so that the compiler points there when it is no module.
            let bound = Ident::new(&format!("__part{number}"), Span::mixed_site().located_at(field.ty.span()));
            patterns.push(quote!(#member: #bound,));
            visits.push(quote!(__visitor.field(#name, #bound);));
            parts.push(field);
        }
        arms.push(quote!(#constructor { #(#patterns)* .. } => { #(#visits)* }));
    }
    let body = if arms.is_empty() { quote!(match *self {}) } else { quote!(match self { #(#arms)* }) };

    let mut generics = input.generics.clone();
    for parameter in bounds::needed(&input.generics, &parts) {
        generics.make_where_clause().predicates.push(parse_quote!(#parameter: #krate::Module));
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let name = &input.ident;
    Ok(quote! {
        #[automatically_derived]
        #[allow(unused_variables, clippy::all)]
        impl #impl_generics #krate::Module for #name #type_generics #where_clause {
            fn visit<'__model>(&'__model self, __visitor: &mut #krate::Visitor<'__model, '_>) {
                #body
            }
            fn visit_mut(&mut self, __visitor: &mut #krate::VisitorMut<'_>) {
                #body
            }
        }
    })
}

fn variant(variant: &Variant) -> Result<(TokenStream, &Fields)> {
    if let Some(attribute) = variant.attrs.iter().find(|a| a.path().is_ident("module")) {
        return Err(Error::new(
            attribute.span(),
            "no option of `module` applies to a variant; `skip` stands on a field",
        ));
    }
    let name = &variant.ident;
    Ok((quote!(Self::#name), &variant.fields))
}

/// `r#type` is called `type`.
fn plain_name(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map_or(name.clone(), String::from)
}

fn crate_path(input: &DeriveInput) -> Result<Path> {
    let mut path = parse_quote!(::chainrule::nn);
    for attribute in input.attrs.iter().filter(|a| a.path().is_ident("module")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("crate") {
                return Err(meta.error("unknown option; a type takes `crate = path`, a field `skip`"));
            }
            path = meta.value()?.call(Path::parse_mod_style)?;
            Ok(())
        })?;
    }
    Ok(path)
}

fn is_skipped(field: &Field) -> Result<bool> {
    let mut skipped = false;
    for attribute in field.attrs.iter().filter(|a| a.path().is_ident("module")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("skip") {
                return Err(meta.error("unknown option; a field takes `skip`, the type `crate = path`"));
            }
            skipped = true;
            Ok(())
        })?;
    }
    Ok(skipped)
}
