export default function ModelsPage({ name }: { name: string }) {
  return <h1>ModelsPage {name}</h1>;
}
