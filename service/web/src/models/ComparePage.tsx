export default function ComparePage({ name }: { name: string }) {
  return <h1>ComparePage {name}</h1>;
}
